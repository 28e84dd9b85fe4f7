// Deflate streams (RFC 1951), one or two at once on one thread. Decoding is a chain of look-ups each of which waits for
// the one before; a second stream's fill that time. Literals, the match behind them and its distance are looked up
// together, and nothing branches on what a symbol is: in noisy images that cannot be predicted.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace gyrus::io {

// A stream and memory that it must not outgrow.
struct DeflateStream {
  std::span<const std::byte> packed;
  std::span<std::byte> out;
};

struct Inflated {
  bool is_whole;      // the last block ended, nothing was damaged, and `out` was large enough
  std::size_t taken;  // bytes of the stream; what follows them is not looked at
  std::size_t made;   // bytes of `out`
  std::uint32_t crc;  // gzip's CRC-32 of them
};

// Tables that are used again from stream to stream.
class Inflater {
 public:
  // Whether this processor has the instructions (BMI2). Without them the engine leaves all to libdeflate.
  static bool is_supported();

  Inflater();
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // Only where is_supported(). Reads and writes nothing outside the spans, whatever the bytes are.
  Inflated inflate(const DeflateStream& stream);
  std::array<Inflated, 2> inflate(const DeflateStream& first, const DeflateStream& second);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gyrus::io
