// SHA-256 (FIPS 180-4), with the CPU's SHA instructions where it has them: hashing a compressed volume must cost little
// beside inflating it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace gyrus::io {

class Sha256 {
 public:
  Sha256();
  void update(std::span<const std::byte> bytes);
  // Each gets its own bytes. Where both have seen whole blocks of 64 only, in half the time: an instruction of one
  // waits while the other's run.
  static void update_both(Sha256& first, std::span<const std::byte> its_bytes, Sha256& second,
                          std::span<const std::byte> others);
  // The digest in lower-case hexadecimal; the object is spent afterwards.
  std::string hex();

 private:
  std::array<std::uint32_t, 8> state_;
  std::array<std::byte, 64> pending_{};
  std::size_t pending_size_ = 0;
  std::uint64_t total_ = 0;
};

std::string sha256_hex(std::span<const std::byte> bytes);

// Whether the CPU's own instructions are used, for the tests.
bool has_sha_instructions();

namespace internal {
using Compress = void (*)(std::array<std::uint32_t, 8>& state, const std::byte* blocks, std::size_t count);
// The portable compression function, for the tests to compare with.
void compress_portable(std::array<std::uint32_t, 8>& state, const std::byte* blocks, std::size_t count);
void compress_sha_ni(std::array<std::uint32_t, 8>& state, const std::byte* blocks, std::size_t count);
// As many blocks of each of two messages.
void compress_sha_ni_both(std::array<std::uint32_t, 8>& first, const std::byte* its_blocks,
                          std::array<std::uint32_t, 8>& second, const std::byte* others, std::size_t count);
}  // namespace internal

}  // namespace gyrus::io
