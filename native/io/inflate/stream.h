// One deflate stream on its way into memory, and the steps that take care of every byte. The fast loop takes over
// between them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "io/inflate/decode_tables.h"

namespace gyrus::io::inflate {

enum class Phase { header, symbols, done, damaged };

struct Stream {
  const std::uint8_t* in;
  const std::uint8_t* in_end;
  std::uint8_t* out;
  std::uint8_t* out_begin;
  std::uint8_t* out_end;
  std::uint64_t bits;   // those read but not consumed, the next one lowest; above `count` there are zeros
  std::uint64_t count;  // below 64
  Phase phase;
  bool is_last;  // block
  DecodeTables* tables;
};

// Of the fast loop, which checks neither end. A turn consumes 12 bytes at most and reads 8 behind them, and writes two
// matches of 258 bytes, literals, and pieces of 16 behind them. Behind a whole window no distance can reach too far
// back.
constexpr std::ptrdiff_t kTurnIn = 24, kTurnOut = 640;

inline bool has_room(const Stream& s) {
  return s.in_end - s.in >= kTurnIn && s.out_end - s.out >= kTurnOut && s.out - s.out_begin >= std::ptrdiff_t{kWindow};
}

inline std::uint64_t low_bits(std::uint64_t bits, unsigned count) { return bits & ((std::uint64_t{1} << count) - 1); }

// Reads bytes as long as they fit. Behind the end there are zeros, which nothing may consume.
inline void refill(Stream& s) {
  for (; s.count < 56 && s.in < s.in_end; s.count += 8) s.bits |= std::uint64_t{*s.in++} << s.count;
}

inline void consume(Stream& s, unsigned count) {
  s.bits >>= count;
  s.count -= count;
}

inline LiteralEntry find_literal(const DecodeTables& tables, std::uint64_t bits) {
  const LiteralEntry entry = tables.literals[low_bits(bits, kLiteralBits)];
  if ((entry.kind & kKindMask) != kSubtable) return entry;
  return tables.literals[entry.value() + low_bits(bits >> kLiteralBits, entry.kind & kCountMask)];
}

inline DistanceEntry find_distance(const DecodeTables& tables, std::uint64_t bits) {
  const DistanceEntry entry = tables.distances[low_bits(bits, kDistanceBits)];
  if ((entry.kind & kKindMask) != kSubtable) return entry;
  return tables.distances[entry.base + low_bits(bits >> kDistanceBits, entry.kind & kCountMask)];
}

// Of an entry that is no literal's and no end; `bits` begin with its code.
inline std::uint32_t length_of(LiteralEntry entry, std::uint64_t bits) {
  if ((entry.kind & kSpecial) == 0) return entry.length;
  return entry.value() + static_cast<std::uint32_t>(low_bits(bits, entry.bits) >> (entry.kind & kCountMask));
}

inline std::uint32_t distance_of(DistanceEntry entry, std::uint64_t bits) {
  return entry.base + static_cast<std::uint32_t>(low_bits(bits, entry.bits) >> (entry.kind & kCountMask));
}

// The headers of blocks up to one that holds symbols, whose tables are built; blocks without a code are copied.
void read_headers(Stream& s);
// Decodes symbols to the end of the block, or until the fast loop has room.
void decode_carefully(Stream& s);

// The fast loop: returns when a block ends or the room does. BMI2 only.
void decode_fast(Stream& s);
void decode_fast(Stream& first, Stream& second);

}  // namespace gyrus::io::inflate
