#include "io/hdf5/checksums.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace gyrus::io::hdf5 {
namespace {

struct Lanes {
  std::uint32_t a, b, c;
};

void mix(Lanes& s) {
  s.a -= s.c, s.a ^= std::rotl(s.c, 4), s.c += s.b;
  s.b -= s.a, s.b ^= std::rotl(s.a, 6), s.a += s.c;
  s.c -= s.b, s.c ^= std::rotl(s.b, 8), s.b += s.a;
  s.a -= s.c, s.a ^= std::rotl(s.c, 16), s.c += s.b;
  s.b -= s.a, s.b ^= std::rotl(s.a, 19), s.a += s.c;
  s.c -= s.b, s.c ^= std::rotl(s.b, 4), s.b += s.a;
}

void finish(Lanes& s) {
  s.c ^= s.b, s.c -= std::rotl(s.b, 14);
  s.a ^= s.c, s.a -= std::rotl(s.c, 11);
  s.b ^= s.a, s.b -= std::rotl(s.a, 25);
  s.c ^= s.b, s.c -= std::rotl(s.b, 16);
  s.a ^= s.c, s.a -= std::rotl(s.c, 4);
  s.b ^= s.a, s.b -= std::rotl(s.a, 14);
  s.c ^= s.b, s.c -= std::rotl(s.b, 24);
}

}  // namespace

std::uint32_t lookup3(std::span<const std::byte> bytes) {
  const std::uint32_t start = 0xdeadbeefU + static_cast<std::uint32_t>(bytes.size());
  Lanes state{start, start, start};
  if (bytes.empty()) return state.c;
  while (true) {
    // Three little-endian words; the last block is padded with zeros.
    std::array<std::uint32_t, 3> words{};
    const std::size_t count = std::min(bytes.size(), sizeof(words));
    std::memcpy(words.data(), bytes.data(), count);
    bytes = bytes.subspan(count);
    state.a += words[0], state.b += words[1], state.c += words[2];
    if (bytes.empty()) break;
    mix(state);
  }
  finish(state);
  return state.c;
}

std::uint32_t fletcher32(std::span<const std::byte> bytes) {
  constexpr std::size_t kWordsBeforeOverflow = 360;  // of the 32-bit sums, between two reductions modulo 65535
  std::uint32_t low = 0, high = 0;
  const std::size_t words = bytes.size() / 2;
  for (std::size_t done = 0; done < words;) {
    const std::size_t end = std::min(words, done + kWordsBeforeOverflow);
    for (; done < end; ++done) {
      low +=
          std::to_integer<std::uint32_t>(bytes[2 * done]) << 8U | std::to_integer<std::uint32_t>(bytes[2 * done + 1]);
      high += low;
    }
    low = (low & 0xffffU) + (low >> 16U);
    high = (high & 0xffffU) + (high >> 16U);
  }
  if (bytes.size() % 2 != 0) {
    low += std::to_integer<std::uint32_t>(bytes.back()) << 8U;
    high += low;
    low = (low & 0xffffU) + (low >> 16U);
    high = (high & 0xffffU) + (high >> 16U);
  }
  low = (low & 0xffffU) + (low >> 16U);
  high = (high & 0xffffU) + (high >> 16U);
  return high << 16U | low;
}

}  // namespace gyrus::io::hdf5
