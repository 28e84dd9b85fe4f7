// Intel AMX in the few words that our kernels need. A tile is 16 rows of 64 bytes; multiply_add<c, a, b>() does
//   c[i][j] += sum_k a[i][2k] b[k][2j] + a[i][2k+1] b[k][2j+1],   a: [16][32] bf16, b: [16][16][2] bf16, c: [16][16]
//   f32
// so the rows of b hold pairs: two steps of the sum lie side by side. One takes 16 cycles. Inline assembly and not the
// compiler's intrinsics, because those of GCC 12 tell it neither what memory a load reads nor what a configuration
// holds.
#pragma once

#include <array>
#include <cstdint>

// For functions that contain tile instructions: only called where cpu_has_amx() holds.
#define GYRUS_AMX_TARGET \
  __attribute__((target("amx-tile,amx-bf16,avx2,fma,avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")))

namespace gyrus::backend::cpu::amx {

inline constexpr std::int64_t kTileBytes = 1024;
inline constexpr std::int64_t kTileRows = 16;
inline constexpr std::int64_t kRowBytes = 64;

// All eight tiles at full size, for the calling thread, until the end of the scope.
class TileScope {
 public:
  GYRUS_AMX_TARGET TileScope() {
    struct alignas(64) Config {
      std::uint8_t palette = 1, start_row = 0;
      std::array<std::uint8_t, 14> reserved{};
      std::array<std::uint16_t, 16> row_bytes{};
      std::array<std::uint8_t, 16> rows{};
    } config;
    for (std::size_t tile = 0; tile < 8; ++tile) {
      config.row_bytes[tile] = static_cast<std::uint16_t>(kRowBytes);
      config.rows[tile] = static_cast<std::uint8_t>(kTileRows);
    }
    __asm__ volatile("ldtilecfg %0" ::"m"(config));
  }
  GYRUS_AMX_TARGET ~TileScope() { __asm__ volatile("tilerelease" ::: "memory"); }
  TileScope(const TileScope&) = delete;
  TileScope& operator=(const TileScope&) = delete;
};

template <int kTile>
GYRUS_AMX_TARGET inline void zero() {
  __asm__ volatile("tilezero %%tmm%c0" ::"i"(kTile));
}

// `stride`: bytes from row to row.
template <int kTile>
GYRUS_AMX_TARGET inline void load(const void* from, std::int64_t stride = kRowBytes) {
  __asm__ volatile("tileloadd (%0,%1,1), %%tmm%c2" ::"r"(from), "r"(stride), "i"(kTile) : "memory");
}

template <int kTile>
GYRUS_AMX_TARGET inline void store(void* to, std::int64_t stride = kRowBytes) {
  __asm__ volatile("tilestored %%tmm%c2, (%0,%1,1)" ::"r"(to), "r"(stride), "i"(kTile) : "memory");
}

template <int kC, int kA, int kB>
GYRUS_AMX_TARGET inline void multiply_add() {
  __asm__ volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(kC), "i"(kA), "i"(kB));
}

}  // namespace gyrus::backend::cpu::amx
