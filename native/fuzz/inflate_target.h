// What the fuzzer of deflate streams does with one input: three decoders must say the same of it.
#pragma once

#include <libdeflate.h>
#include <zlib.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "fuzz/targets.h"
#include "io/inflate.h"

namespace gyrus::fuzz {

using Bytes = std::vector<std::byte>;

constexpr std::size_t kMostInflated = std::size_t{1} << 17;  // bytes that come out of a stream
constexpr std::size_t kPadding = 40000;                      // more than the window, so that the fast loop is reached

// Blocks without a code in front of the input, which stay the same whatever the input is.
inline Bytes behind_padding(std::span<const std::byte> input, std::size_t size) {
  Bytes stream;
  if (size > 0) {
    for (const std::size_t byte : {std::size_t{0}, size & 0xff, size >> 8, ~size & 0xff, ~size >> 8 & 0xff}) {
      stream.push_back(static_cast<std::byte>(byte));
    }
    for (std::size_t i = 0; i < size; ++i) stream.push_back(static_cast<std::byte>(i * 2654435761U >> 13));
  }
  stream.insert(stream.end(), input.begin(), input.end());
  return stream;
}

// What zlib makes of the stream: nothing if it is damaged, ends early or does not fit.
inline std::optional<Bytes> zlib_inflate(const Bytes& packed) {
  z_stream stream{};
  require(inflateInit2(&stream, -15) == Z_OK);
  Bytes out(kMostInflated);
  // zlib's interface predates const.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int status = inflate(&stream, Z_FINISH);
  out.resize(out.size() - stream.avail_out);
  inflateEnd(&stream);
  return status == Z_STREAM_END ? std::optional(out) : std::nullopt;
}

inline std::optional<Bytes> libdeflate_inflate(const Bytes& packed) {
  const std::unique_ptr<libdeflate_decompressor, void (*)(libdeflate_decompressor*)> state(
      libdeflate_alloc_decompressor(), libdeflate_free_decompressor);
  Bytes out(kMostInflated);
  std::size_t made = 0;
  const libdeflate_result result =
      libdeflate_deflate_decompress(state.get(), packed.data(), packed.size(), out.data(), out.size(), &made);
  out.resize(made);
  return result == LIBDEFLATE_SUCCESS ? std::optional(out) : std::nullopt;
}

// Whatever zlib accepts must be accepted, and nothing that libdeflate refuses: zlib is a little stricter.
inline void compare(const Bytes& packed, const io::Inflated& found, const Bytes& out) {
  const std::optional<Bytes> strict = zlib_inflate(packed), loose = libdeflate_inflate(packed);
  require(found.taken <= packed.size() && found.made <= out.size());
  if (strict.has_value()) require(found.is_whole);
  if (!found.is_whole) return;
  require(loose.has_value() && loose->size() == found.made && std::equal(loose->begin(), loose->end(), out.begin()));
  require(found.crc == libdeflate_crc32(0, loose->data(), loose->size()));
}

// The input's first half and its second as two streams: which has padding, its last bits say. Refused: neither is
// whole.
inline Verdict run_inflate(std::span<const std::byte> bytes) {
  return verdict_of([bytes] {
    GYRUS_CHECK(bytes.size() >= 2 && io::Inflater::is_supported(), Code::file_format, "nothing to do");
    const auto choice = std::to_integer<unsigned>(bytes.back());
    const std::size_t half = (bytes.size() - 1) / 2;
    const Bytes first = behind_padding(bytes.first(half), (choice & 1) != 0 ? kPadding : 0);
    const Bytes second = behind_padding(bytes.subspan(half, bytes.size() - 1 - half), (choice & 2) != 0 ? kPadding : 0);
    Bytes first_out(kMostInflated), second_out(kMostInflated);
    io::Inflater inflater;
    const auto results = inflater.inflate({first, first_out}, {second, second_out});
    compare(first, results[0], first_out);
    compare(second, results[1], second_out);
    for (const io::Inflated& result : results) {
      if (!result.is_whole || result.made == 0) continue;
      const bool is_first = &result == results.data();
      Bytes alone(kMostInflated);
      const io::Inflated same = inflater.inflate({is_first ? first : second, alone});
      require(same.is_whole && same.made == result.made && same.taken == result.taken && same.crc == result.crc);
      // Just enough room must do, and one byte less must not.
      Bytes exact(result.made), less(result.made - 1);
      const auto again = inflater.inflate({is_first ? first : second, exact}, {is_first ? first : second, less});
      require(again[0].is_whole && again[0].made == exact.size() && !again[1].is_whole);
      require(std::equal(exact.begin(), exact.end(), (is_first ? first_out : second_out).begin()));
    }
    GYRUS_CHECK(results[0].is_whole || results[1].is_whole, Code::file_format, "neither is whole");
  });
}

}  // namespace gyrus::fuzz
