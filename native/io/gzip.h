// Gzip streams (RFC 1952) into memory whose size the caller knows. Whole streams go through inflate.h, one or two at
// once, and what is not simply good through libdeflate; zlib, which can stop and go on, reads prefixes and skips.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace gyrus::io {

// Deflate cannot expand by more than this: a length of 258 takes two bits at least (RFC 1951).
constexpr std::int64_t kMaxInflation = 1032;

// Whether these are the first bytes of a gzip stream.
bool is_gzip(std::span<const std::byte> bytes);

// Inflates gzip data of one or several members; one object serves any number of files, one at a time.
class Gunzip {
 public:
  Gunzip();
  ~Gunzip();
  Gunzip(const Gunzip&) = delete;
  Gunzip& operator=(const Gunzip&) = delete;

  // The first out.size() bytes of what `compressed` holds, which may itself be a prefix. Returns how many there were.
  // Throws Code::file_format naming `label` when the data is damaged before that.
  std::int64_t prefix(std::span<const std::byte> compressed, std::span<std::byte> out, std::string_view label);
  // Bytes [skip, skip + out.size()). From the start (skip = 0) the whole stream's checksums are verified, and it may
  // not be much longer than `out`. Throws Code::file_format naming `label` when the stream is damaged or ends earlier.
  void read(std::span<const std::byte> compressed, std::int64_t skip, std::span<std::byte> out, std::string_view label);

  // Two files at once, in less time than one after the other. Tells of each whether its first member filled `out` to
  // the last byte, its checksum right. Where it did not, or the processor cannot do it, `out` holds anything, and
  // read() has the file's contents or says what is wrong with it.
  struct File {
    std::span<const std::byte> compressed;
    std::span<std::byte> out;
  };
  std::array<bool, 2> read_both(const File& first, const File& second);

 private:
  bool read_whole(std::span<const std::byte> compressed, std::span<std::byte> out, std::string_view label);

  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gyrus::io
