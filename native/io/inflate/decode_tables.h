// Huffman codes of a deflate block (RFC 1951, 3.2) as tables that the next bits of the stream index.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace gyrus::io::inflate {

constexpr unsigned kLongestCode = 15;
constexpr unsigned kLiteralBits = 9, kDistanceBits = 8;
constexpr std::size_t kMostLiterals = 288, kMostDistances = 32;  // symbols, those that may not occur included
constexpr std::uint32_t kWindow = 32768;                         // the largest distance

// What the next bits mean. `kind` is kLength: a match of `length`; kLiteral: the byte `literal`; or has kSpecial and
// says with what value() that is.
struct LiteralEntry {
  std::uint8_t bits;  // to be consumed, in total
  std::uint8_t kind;
  std::uint8_t literal, length;

  std::uint32_t value() const { return literal | static_cast<std::uint32_t>(length) << 8; }
};
static_assert(sizeof(LiteralEntry) == 4);

constexpr std::uint8_t kLength = 0, kLiteral = 1, kSpecial = 0x80;
constexpr std::uint8_t kExtraLength = 0x80;  // | bits of the code: value() + the bits behind it are the length
constexpr std::uint8_t kSubtable = 0xa0;     // | bits of its index, which follow; value() is where it begins
constexpr std::uint8_t kEnd = 0xc0, kInvalid = 0xe0;
constexpr std::uint8_t kKindMask = 0xe0, kCountMask = 0x0f;

// The distance is base + the bits behind the code; kind: how many bits the code has, or one of the special ones above.
struct DistanceEntry {
  std::uint8_t bits;  // to be consumed, in total
  std::uint8_t kind;
  std::uint16_t base;
};
static_assert(sizeof(DistanceEntry) == 4);

// What the next bits mean in one look-up: up to two literals, then a match or none, its distance included. From the
// lowest byte on:
//   bits to be consumed in total, or kSlow: one symbol at a time, please
//   of these, the codes, behind which the distance's own bits begin
//   how many literals
//   the match's length, at most kFastPiece, or 0
//   two bytes of literals
//   two bytes: less the base of the distance. Without a match something harmless.
using FastEntry = std::uint64_t;
constexpr FastEntry kSlow = 0x80;
constexpr unsigned kFastCodes = 8, kFastCount = 16, kFastLength = 24, kFastLiterals = 32, kFastBase = 48;
constexpr unsigned kFastPiece = 16;  // what one copy moves; no nearer match is in the table
constexpr unsigned kFastBits = 11;   // 10: twice as many slow steps as it saves misses of the cache; 12: the reverse
constexpr std::size_t kFastEntries = std::size_t{1} << kFastBits;

// A subtable is as long as the longest code needs. Each holds two codes at least, as codes are complete.
struct DecodeTables {
  std::array<FastEntry, kFastEntries> fast;
  std::array<LiteralEntry, (1U << kLiteralBits) + kMostLiterals / 2 * (1U << (kLongestCode - kLiteralBits))> literals;
  std::array<DistanceEntry, (1U << kDistanceBits) + kMostDistances / 2 * (1U << (kLongestCode - kDistanceBits))>
      distances;
  bool has_runs;  // few of the symbols that such a code is the best for are matches
};

// From the lengths of the codes, 0 for symbols without one. False when they are no code: more than a complete one, or
// less, except that there may be none or a single one of one bit.
bool build_tables(std::span<const std::uint8_t> literal_lengths, std::span<const std::uint8_t> distance_lengths,
                  DecodeTables& tables);

// The code in which a block's header gives those lengths.
constexpr unsigned kHeaderCodeBits = 7;
constexpr std::size_t kHeaderSymbols = 19;
struct HeaderEntry {
  std::uint8_t bits;  // 0: no code begins so
  std::uint8_t symbol;
};
using HeaderTable = std::array<HeaderEntry, 1U << kHeaderCodeBits>;
bool build_header_table(std::span<const std::uint8_t, kHeaderSymbols> lengths, HeaderTable& table);

}  // namespace gyrus::io::inflate
