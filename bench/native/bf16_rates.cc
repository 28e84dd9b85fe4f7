#include "bf16_rates.h"

#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "backend/cpu/amx/intrinsics.h"
#include "backend/cpu/amx/tile_ops.h"

namespace gyrus::bench {
namespace {

namespace amx = backend::cpu::amx;

struct CpuidRegisters {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
};

CpuidRegisters cpuid(unsigned leaf, unsigned subleaf) {
  CpuidRegisters r;
  __get_cpuid_count(leaf, subleaf, &r.eax, &r.ebx, &r.ecx, &r.edx);
  return r;
}

bool has_bit(unsigned word, unsigned bit) { return (word >> bit & 1U) != 0; }

// XCR0: which registers the system saves when it switches threads (Intel SDM volume 1, 13.3).
std::uint32_t saved_state() {
  if (!has_bit(cpuid(1, 0).ecx, 27)) return 0;
  std::uint32_t low = 0, high = 0;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

// Linux gives a process the tiles' 8 KiB of state only when it asks (Documentation/arch/x86/xstate.rst).
bool may_use_tiles() {
  constexpr long kRequestPermission = 0x1023, kTileData = 18;
  return ::syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

// c += a b of bf16 tiles: 16 x 16 sums of 32 products. Six sums hide the latency of 52 cycles behind 16 a product.
GYRUS_AMX_TARGET double multiply_tiles(std::int64_t rounds, volatile float* sink) {
  constexpr std::uint16_t kSmall = 0x3c00;  // 2^-7
  alignas(64) std::array<std::uint16_t, amx::kTileBytes / 2> operand;
  alignas(64) std::array<float, amx::kTileBytes / 4> sums;
  operand.fill(kSmall);
  const amx::TileScope tiles;
  amx::zero<0>();
  amx::zero<1>();
  amx::zero<2>();
  amx::zero<3>();
  amx::zero<4>();
  amx::zero<5>();
  amx::load<6>(operand.data());
  amx::load<7>(operand.data());
  for (std::int64_t round = 0; round < rounds; ++round) {
    amx::multiply_add<0, 6, 7>();
    amx::multiply_add<1, 6, 7>();
    amx::multiply_add<2, 6, 7>();
    amx::multiply_add<3, 6, 7>();
    amx::multiply_add<4, 6, 7>();
    amx::multiply_add<5, 6, 7>();
  }
  amx::store<0>(sums.data());
  *sink = sums[0];
  return 2.0 * static_cast<double>(rounds) * 6 * 16 * 16 * 32;
}

// sums[i] += a[2i] b[2i] + a[2i + 1] b[2i + 1], sixteen at a time.
__attribute__((target("avx512f,avx512bf16"))) double multiply_pairs(std::int64_t rounds, volatile float* sink) {
  constexpr std::size_t kSums = 12;
  const __m512bh a = _mm512_cvtne2ps_pbh(_mm512_set1_ps(0.0078125F), _mm512_set1_ps(0.0078125F));
  __m512 sums[kSums];  // std::array would drop the type's alignment
  for (std::size_t at = 0; at < kSums; ++at) sums[at] = _mm512_set1_ps(static_cast<float>(at));
  for (std::int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 12
    for (std::size_t at = 0; at < kSums; ++at) sums[at] = _mm512_dpbf16_ps(sums[at], a, a);
  }
  __m512 total = sums[0];
  for (std::size_t at = 1; at < kSums; ++at) total = _mm512_add_ps(total, sums[at]);
  *sink = _mm512_cvtss_f32(total);
  return 2.0 * static_cast<double>(rounds) * kSums * 32;
}

}  // namespace

Bf16Unit find_bf16_unit() {
  constexpr std::uint32_t kAvx512State = 0xe6, kTileState = 3U << 17U;
  const std::uint32_t saved = saved_state();
  if ((saved & kAvx512State) != kAvx512State) return Bf16Unit::none;
  const CpuidRegisters features = cpuid(7, 0);
  const bool has_tiles = has_bit(features.edx, 24) && has_bit(features.edx, 22);
  if (has_tiles && (saved & kTileState) == kTileState && may_use_tiles()) return Bf16Unit::amx;
  return has_bit(cpuid(7, 1).eax, 5) ? Bf16Unit::avx512 : Bf16Unit::none;
}

double multiply_add_bf16(Bf16Unit unit, std::int64_t rounds, volatile float* sink) {
  return unit == Bf16Unit::amx ? multiply_tiles(rounds, sink) : multiply_pairs(rounds, sink);
}

}  // namespace gyrus::bench
