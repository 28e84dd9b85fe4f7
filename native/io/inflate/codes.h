// Huffman codes of a deflate block in the order of their codes: what the tables are built from.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "io/inflate/decode_tables.h"

namespace gyrus::io::inflate {

constexpr std::uint16_t kEndSymbol = 256, kFirstLength = 257;
// Of RFC 1951, 3.2.5.
constexpr std::array<std::uint16_t, 29> kLengthBase = {3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
                                                       31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
constexpr std::array<std::uint8_t, 29> kLengthExtra = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                                       2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
constexpr std::uint16_t kDistances = 30;

// A symbol's code, its first bit lowest, as the bits come from the stream.
struct Symbol {
  std::uint16_t number, code;
};

// The symbols that have a code, in the order of their codes (RFC 1951, 3.2.2).
struct Code {
  std::array<std::uint16_t, kLongestCode + 1> counts{};  // of each length
  std::array<Symbol, kMostLiterals> symbols;
  unsigned longest = 0;
  bool is_complete = false;
};

// Of a distance's symbol and the length of its code.
DistanceEntry distance_entry(unsigned number, unsigned length);

// Writes `entry` wherever an index of `bits` bits begins with the code.
template <class Entry>
void spread(std::span<Entry> table, unsigned code, unsigned length, unsigned bits, Entry entry) {
  for (std::size_t at = code, end = std::size_t{1} << bits; at < end; at += std::size_t{1} << length) table[at] = entry;
}

void fill_fast_table(const Code& literals, const Code& distances, std::span<FastEntry, kFastEntries> table);

}  // namespace gyrus::io::inflate
