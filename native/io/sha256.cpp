#include "io/sha256.h"

#include <cpuid.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "io/sha256_constants.h"

namespace gyrus::io {
namespace {

constexpr std::size_t kBlock = 64;

internal::Compress choose() { return has_sha_instructions() ? internal::compress_sha_ni : internal::compress_portable; }

std::uint32_t big_endian(const std::byte* bytes) {
  std::uint32_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  return __builtin_bswap32(word);
}

std::uint32_t small_sigma(std::uint32_t x, int a, int b, int shift) {
  return std::rotr(x, a) ^ std::rotr(x, b) ^ (x >> shift);
}

std::uint32_t big_sigma(std::uint32_t x, int a, int b, int c) {
  return std::rotr(x, a) ^ std::rotr(x, b) ^ std::rotr(x, c);
}

// FIPS 180-4, 6.2.2, step 1.
std::array<std::uint32_t, 64> message_schedule(const std::byte* block) {
  std::array<std::uint32_t, 64> w;
  for (std::size_t i = 0; i < 16; ++i) w[i] = big_endian(block + 4 * i);
  for (std::size_t i = 16; i < 64; ++i) {
    w[i] = small_sigma(w[i - 2], 17, 19, 10) + w[i - 7] + small_sigma(w[i - 15], 7, 18, 3) + w[i - 16];
  }
  return w;
}

}  // namespace

bool has_sha_instructions() {
  // GCC 12 knows no name for the SHA bit in __builtin_cpu_supports.
  constexpr unsigned kShaBit = 1U << 29;
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & kShaBit) != 0 && __builtin_cpu_supports("sse4.1") != 0;
}

void internal::compress_portable(std::array<std::uint32_t, 8>& state, const std::byte* blocks, std::size_t count) {
  for (; count > 0; --count, blocks += kBlock) {
    const std::array<std::uint32_t, 64> w = message_schedule(blocks);
    auto [a, b, c, d, e, f, g, h] = state;
    for (std::size_t i = 0; i < 64; ++i) {
      const std::uint32_t choice = (e & f) ^ (~e & g), majority = (a & b) ^ (a & c) ^ (b & c);
      const std::uint32_t first = h + big_sigma(e, 6, 11, 25) + choice + kSha256Rounds[i] + w[i];
      const std::uint32_t second = big_sigma(a, 2, 13, 22) + majority;
      h = g, g = f, f = e, e = d + first, d = c, c = b, b = a, a = first + second;
    }
    const std::array<std::uint32_t, 8> added = {a, b, c, d, e, f, g, h};
    for (std::size_t i = 0; i < 8; ++i) state[i] += added[i];
  }
}

Sha256::Sha256() : state_(kSha256Start) {}

void Sha256::update(std::span<const std::byte> bytes) {
  static const internal::Compress compress = choose();
  total_ += bytes.size();
  if (pending_size_ > 0) {
    const std::size_t taken = std::min(bytes.size(), kBlock - pending_size_);
    std::copy_n(bytes.begin(), taken, pending_.begin() + static_cast<std::ptrdiff_t>(pending_size_));
    pending_size_ += taken;
    bytes = bytes.subspan(taken);
    if (pending_size_ < kBlock) return;
    compress(state_, pending_.data(), 1);
    pending_size_ = 0;
  }
  const std::size_t whole = bytes.size() / kBlock;
  compress(state_, bytes.data(), whole);
  bytes = bytes.subspan(whole * kBlock);
  std::copy(bytes.begin(), bytes.end(), pending_.begin());
  pending_size_ = bytes.size();
}

void Sha256::update_both(Sha256& first, std::span<const std::byte> its_bytes, Sha256& second,
                         std::span<const std::byte> others) {
  if (has_sha_instructions() && first.pending_size_ == 0 && second.pending_size_ == 0) {
    const std::size_t count = std::min(its_bytes.size(), others.size()) / kBlock;
    internal::compress_sha_ni_both(first.state_, its_bytes.data(), second.state_, others.data(), count);
    first.total_ += count * kBlock;
    second.total_ += count * kBlock;
    its_bytes = its_bytes.subspan(count * kBlock);
    others = others.subspan(count * kBlock);
  }
  first.update(its_bytes);
  second.update(others);
}

std::string Sha256::hex() {
  const std::uint64_t bits = __builtin_bswap64(total_ * 8);
  std::array<std::byte, 2 * kBlock> tail{std::byte{0x80}};
  const std::size_t zeros = (kBlock + 56 - 1 - pending_size_ % kBlock) % kBlock;
  std::memcpy(tail.data() + 1 + zeros, &bits, sizeof bits);
  update(std::span(tail).first(1 + zeros + sizeof bits));
  std::string digits;
  for (const std::uint32_t word : state_) {
    for (int shift = 28; shift >= 0; shift -= 4) digits += "0123456789abcdef"[word >> shift & 15];
  }
  return digits;
}

std::string sha256_hex(std::span<const std::byte> bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.hex();
}

}  // namespace gyrus::io
