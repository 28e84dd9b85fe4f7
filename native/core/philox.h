// Philox4x32-10 (Salmon et al., SC 2011, "Parallel random numbers: as easy as 1, 2, 3"): a counter-based generator.
// A draw is a pure function of (seed, stream, index), so neither thread order nor a restart can change it.
// test/goldens/philox.py is the same function in Python; both sides test the paper's known answers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/box_muller.h"

namespace gyrus {

struct Philox {
  std::uint64_t seed = 0;    // the key
  std::uint64_t stream = 0;  // the counter's upper half: purpose, tensor or sample

  // Four independent 32-bit words for block `index` (the counter's lower half).
  constexpr std::array<std::uint32_t, 4> block(std::uint64_t index) const {
    std::array<std::uint32_t, 4> c{static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32),
                                   static_cast<std::uint32_t>(stream), static_cast<std::uint32_t>(stream >> 32)};
    std::uint32_t k0 = static_cast<std::uint32_t>(seed), k1 = static_cast<std::uint32_t>(seed >> 32);
    for (int round = 0; round < 10; ++round) {
      const std::uint64_t p0 = std::uint64_t{0xD2511F53U} * c[0], p1 = std::uint64_t{0xCD9E8D57U} * c[2];
      c = {static_cast<std::uint32_t>(p1 >> 32) ^ c[1] ^ k0, static_cast<std::uint32_t>(p1),
           static_cast<std::uint32_t>(p0 >> 32) ^ c[3] ^ k1, static_cast<std::uint32_t>(p0)};
      k0 += 0x9E3779B9U;
      k1 += 0xBB67AE85U;
    }
    return c;
  }

  // Word `index` of the stream.
  constexpr std::uint32_t bits(std::uint64_t index) const { return block(index / 4)[index % 4]; }

  // Uniform in [0, 1): the upper 24 bits, so every value is exact in float.
  static constexpr float unit(std::uint32_t bits) { return static_cast<float>(bits >> 8) * 0x1p-24F; }
  constexpr float uniform(std::uint64_t index) const { return unit(bits(index)); }

  // Standard normal: draws 2k and 2k+1 are the pair that box_muller() makes of words 2k and 2k+1.
  float normal(std::uint64_t index) const {
    const auto words = block(index / 4);
    const std::size_t at = index % 4 / 2 * 2;
    const NormalPair pair = box_muller(words[at], words[at + 1]);
    return index % 2 == 0 ? pair.first : pair.second;
  }
};

// FNV-1a of a name: the usual way to turn a tensor's name into a stream number.
constexpr std::uint64_t stream_of(std::string_view name) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : name) hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001b3ULL;
  return hash;
}

}  // namespace gyrus
