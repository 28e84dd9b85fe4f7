#include "io/inflate/decode_tables.h"

#include <algorithm>
#include <bit>
#include <cstddef>

#include "io/inflate/codes.h"

namespace gyrus::io::inflate {
namespace {

constexpr std::uint32_t kFewMatches = (1U << kLongestCode) / 64;

// The lowest `count` bits in the reverse order.
unsigned reversed(unsigned bits, unsigned count) {
  bits = (bits & 0x5555) << 1 | (bits >> 1 & 0x5555);
  bits = (bits & 0x3333) << 2 | (bits >> 2 & 0x3333);
  bits = (bits & 0x0f0f) << 4 | (bits >> 4 & 0x0f0f);
  return ((bits & 0x00ff) << 8 | bits >> 8) >> (16 - count);
}

bool order_symbols(std::span<const std::uint8_t> lengths, Code& code) {
  for (const std::uint8_t length : lengths) ++code.counts[length];
  code.counts[0] = 0;
  // Where the symbols of each length go, and the first code of that length. Those without a code go behind all others,
  // so that nothing branches on which has one.
  std::array<std::uint16_t, kLongestCode + 1> places{}, codes{};
  unsigned used = 0;
  int left = 1;  // codes of the present length that are still free
  for (unsigned length = 1; length <= kLongestCode; ++length) {
    left = 2 * left - code.counts[length];
    if (left < 0) return false;
    if (code.counts[length] > 0) code.longest = length;
    codes[length] = static_cast<std::uint16_t>((codes[length - 1] + code.counts[length - 1]) * 2);
    places[length] = static_cast<std::uint16_t>(used);
    used += code.counts[length];
  }
  places[0] = static_cast<std::uint16_t>(used);
  code.is_complete = left == 0;
  if (!code.is_complete && used > 0 && !(used == 1 && code.longest == 1)) return false;
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    code.symbols[places[lengths[i]]++].number = static_cast<std::uint16_t>(i);
  }
  for (std::size_t at = 0, length = 1; length <= code.longest; ++length) {
    unsigned bits = codes[length];
    for (const std::size_t end = at + code.counts[length]; at < end; ++at, ++bits) {
      code.symbols[at].code = static_cast<std::uint16_t>(reversed(bits, static_cast<unsigned>(length)));
    }
  }
  return true;
}

LiteralEntry literal_entry(unsigned number, unsigned length) {
  const auto bits = static_cast<std::uint8_t>(length);
  if (number < kEndSymbol) return {bits, kLiteral, static_cast<std::uint8_t>(number), 0};
  if (number == kEndSymbol) return {bits, kEnd, 0, 0};
  const std::size_t at = number - kFirstLength;
  if (at >= kLengthBase.size()) return {bits, kInvalid, 0, 0};
  const std::uint16_t base = kLengthBase[at];
  if (kLengthExtra[at] == 0 && base < 256) return {bits, kLength, 0, static_cast<std::uint8_t>(base)};
  return {static_cast<std::uint8_t>(bits + kLengthExtra[at]), static_cast<std::uint8_t>(kExtraLength | length),
          static_cast<std::uint8_t>(base & 0xff), static_cast<std::uint8_t>(base >> 8)};
}

LiteralEntry literal_link(unsigned root, unsigned bits, std::size_t begin) {
  return {static_cast<std::uint8_t>(root), static_cast<std::uint8_t>(kSubtable | bits),
          static_cast<std::uint8_t>(begin & 0xff), static_cast<std::uint8_t>(begin >> 8)};
}

DistanceEntry distance_link(unsigned root, unsigned bits, std::size_t begin) {
  return {static_cast<std::uint8_t>(root), static_cast<std::uint8_t>(kSubtable | bits),
          static_cast<std::uint16_t>(begin)};
}

// The codes longer than the root table's index, from symbol `at` on.
template <class Entry, class Make, class Link>
void fill_subtables(const Code& code, std::size_t at, unsigned root, std::span<Entry> table, Make make, Link link) {
  const unsigned bits = code.longest - root, mask = (1U << root) - 1;
  std::size_t begin = 0, next = std::size_t{1} << root;
  unsigned prefix = ~0U;  // of the subtable that is being filled
  for (unsigned length = root + 1; length <= code.longest; ++length) {
    for (std::size_t end = at + code.counts[length]; at < end; ++at) {
      const Symbol& symbol = code.symbols[at];
      if ((symbol.code & mask) != prefix) {
        prefix = symbol.code & mask;
        begin = next;
        next += std::size_t{1} << bits;
        table[prefix] = link(root, bits, begin);
      }
      const auto subtable = table.subspan(begin, std::size_t{1} << bits);
      spread(subtable, static_cast<unsigned>(symbol.code) >> root, length - root, bits, make(symbol.number, length));
    }
  }
}

void fill_literals(const Code& code, std::span<LiteralEntry> table) {
  if (!code.is_complete) std::ranges::fill(table.first(1U << kLiteralBits), LiteralEntry{1, kInvalid, 0, 0});
  std::size_t at = 0;
  for (unsigned length = 1; length <= std::min(kLiteralBits, code.longest); ++length) {
    for (const std::size_t end = at + code.counts[length]; at < end; ++at) {
      const Symbol& symbol = code.symbols[at];
      spread(table, symbol.code, length, kLiteralBits, literal_entry(symbol.number, length));
    }
  }
  if (code.longest > kLiteralBits) fill_subtables(code, at, kLiteralBits, table, literal_entry, literal_link);
}

void fill_distances(const Code& code, std::span<DistanceEntry> table) {
  if (!code.is_complete) std::ranges::fill(table.first(1U << kDistanceBits), DistanceEntry{1, kInvalid, 0});
  std::size_t at = 0;
  for (unsigned length = 1; length <= std::min(kDistanceBits, code.longest); ++length) {
    for (const std::size_t end = at + code.counts[length]; at < end; ++at) {
      const Symbol& symbol = code.symbols[at];
      spread(table, symbol.code, length, kDistanceBits, distance_entry(symbol.number, length));
    }
  }
  if (code.longest > kDistanceBits) fill_subtables(code, at, kDistanceBits, table, distance_entry, distance_link);
}

// A code of n bits is the best for a symbol that is one in 2^n.
bool has_runs_of_literals(std::span<const std::uint8_t> literal_lengths) {
  std::uint32_t matches = 0;  // 2^-15
  for (std::size_t i = kFirstLength; i < literal_lengths.size(); ++i) {
    if (literal_lengths[i] > 0) matches += 1U << (kLongestCode - literal_lengths[i]);
  }
  return matches < kFewMatches;
}

}  // namespace

DistanceEntry distance_entry(unsigned number, unsigned length) {
  const auto bits = static_cast<std::uint8_t>(length);
  if (number >= kDistances) return {bits, kInvalid, 0};
  if (number < 4) return {bits, bits, static_cast<std::uint16_t>(number + 1)};
  const unsigned extra = number / 2 - 1;
  return {static_cast<std::uint8_t>(length + extra), bits,
          static_cast<std::uint16_t>(((2 + (number & 1)) << extra) + 1)};
}

bool build_tables(std::span<const std::uint8_t> literal_lengths, std::span<const std::uint8_t> distance_lengths,
                  DecodeTables& tables) {
  Code literals, distances;
  if (!order_symbols(literal_lengths, literals) || !order_symbols(distance_lengths, distances)) return false;
  fill_literals(literals, tables.literals);
  fill_distances(distances, tables.distances);
  fill_fast_table(literals, distances, tables.fast);
  tables.has_runs = has_runs_of_literals(literal_lengths);
  return true;
}

bool build_header_table(std::span<const std::uint8_t, kHeaderSymbols> lengths, HeaderTable& table) {
  Code code;
  if (!order_symbols(lengths, code)) return false;
  table.fill({0, 0});
  for (std::size_t at = 0, length = 1; length <= code.longest; ++length) {
    for (const std::size_t end = at + code.counts[length]; at < end; ++at) {
      spread(std::span<HeaderEntry>(table), code.symbols[at].code, static_cast<unsigned>(length), kHeaderCodeBits,
             {static_cast<std::uint8_t>(length), static_cast<std::uint8_t>(code.symbols[at].number)});
    }
  }
  return true;
}

}  // namespace gyrus::io::inflate
