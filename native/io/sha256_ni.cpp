// SHA-256's compression with the x86 SHA extensions: two rounds an instruction, which waits four cycles for the one
// before: half a byte a cycle.
#include <immintrin.h>

#include "io/sha256.h"
#include "io/sha256_constants.h"

namespace gyrus::io::internal {
namespace {

#define GYRUS_SHA __attribute__((target("sha,sse4.1,ssse3")))

// The instructions want the state as the words {F, E, B, A} and {H, G, D, C}, lowest lane first.
struct Pairs {
  __m128i abef, cdgh;
};

GYRUS_SHA Pairs load_state(const std::uint32_t* state) {
  const __m128i dcba = _mm_loadu_si128(reinterpret_cast<const __m128i*>(state));
  const __m128i hgfe = _mm_loadu_si128(reinterpret_cast<const __m128i*>(state + 4));
  const __m128i cdab = _mm_shuffle_epi32(dcba, 0xb1), efgh = _mm_shuffle_epi32(hgfe, 0x1b);
  return {_mm_alignr_epi8(cdab, efgh, 8), _mm_blend_epi16(efgh, cdab, 0xf0)};
}

GYRUS_SHA void store_state(const Pairs& pairs, std::uint32_t* state) {
  const __m128i feba = _mm_shuffle_epi32(pairs.abef, 0x1b), dchg = _mm_shuffle_epi32(pairs.cdgh, 0xb1);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(state), _mm_blend_epi16(feba, dchg, 0xf0));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

// Four rounds with the message words `w`, of which the first has the number 4 * at.
GYRUS_SHA inline void four_rounds(Pairs& pairs, __m128i w, std::size_t at) {
  const __m128i sum = _mm_add_epi32(w, _mm_load_si128(reinterpret_cast<const __m128i*>(kSha256Rounds.data() + 4 * at)));
  pairs.cdgh = _mm_sha256rnds2_epu32(pairs.cdgh, pairs.abef, sum);
  pairs.abef = _mm_sha256rnds2_epu32(pairs.abef, pairs.cdgh, _mm_shuffle_epi32(sum, 0x0e));
}

// The next four words of the message schedule from the last sixteen, oldest first.
GYRUS_SHA inline __m128i next_words(__m128i w0, __m128i w1, __m128i w2, __m128i w3) {
  const __m128i sums = _mm_add_epi32(_mm_sha256msg1_epu32(w0, w1), _mm_alignr_epi8(w3, w2, 4));
  return _mm_sha256msg2_epu32(sums, w3);
}

GYRUS_SHA inline __m128i load_words(const std::byte* bytes) {
  const __m128i to_big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  return _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes)), to_big_endian);
}

GYRUS_SHA inline void compress_block(Pairs& pairs, const std::byte* block) {
  __m128i w[4];
  for (std::size_t i = 0; i < 4; ++i) {
    w[i] = load_words(block + 16 * i);
    four_rounds(pairs, w[i], i);
  }
  for (std::size_t at = 4; at < 16; at += 4) {
    for (std::size_t i = 0; i < 4; ++i) {
      w[i] = next_words(w[i], w[(i + 1) % 4], w[(i + 2) % 4], w[(i + 3) % 4]);
      four_rounds(pairs, w[i], at + i);
    }
  }
}

// The same of two messages, four rounds of the one after four of the other.
GYRUS_SHA inline void compress_two(Pairs& a, const std::byte* block_a, Pairs& b, const std::byte* block_b) {
  __m128i w[4], v[4];
  for (std::size_t i = 0; i < 4; ++i) {
    w[i] = load_words(block_a + 16 * i);
    v[i] = load_words(block_b + 16 * i);
    four_rounds(a, w[i], i);
    four_rounds(b, v[i], i);
  }
  for (std::size_t at = 4; at < 16; at += 4) {
    for (std::size_t i = 0; i < 4; ++i) {
      w[i] = next_words(w[i], w[(i + 1) % 4], w[(i + 2) % 4], w[(i + 3) % 4]);
      v[i] = next_words(v[i], v[(i + 1) % 4], v[(i + 2) % 4], v[(i + 3) % 4]);
      four_rounds(a, w[i], at + i);
      four_rounds(b, v[i], at + i);
    }
  }
}

GYRUS_SHA inline void add_to(Pairs& pairs, const Pairs& before) {
  pairs.abef = _mm_add_epi32(pairs.abef, before.abef);
  pairs.cdgh = _mm_add_epi32(pairs.cdgh, before.cdgh);
}

}  // namespace

GYRUS_SHA void compress_sha_ni_both(std::array<std::uint32_t, 8>& first, const std::byte* its_blocks,
                                    std::array<std::uint32_t, 8>& second, const std::byte* others, std::size_t count) {
  Pairs a = load_state(first.data()), b = load_state(second.data());
  for (; count > 0; --count, its_blocks += 64, others += 64) {
    const Pairs before_a = a, before_b = b;
    compress_two(a, its_blocks, b, others);
    add_to(a, before_a);
    add_to(b, before_b);
  }
  store_state(a, first.data());
  store_state(b, second.data());
}

GYRUS_SHA void compress_sha_ni(std::array<std::uint32_t, 8>& state, const std::byte* blocks, std::size_t count) {
  Pairs pairs = load_state(state.data());
  for (; count > 0; --count, blocks += 64) {
    const Pairs before = pairs;
    compress_block(pairs, blocks);
    add_to(pairs, before);
  }
  store_state(pairs, state.data());
}

}  // namespace gyrus::io::internal
