// Headers of deflate blocks (RFC 1951, 3.2.3 to 3.2.7), and the careful decoding of symbols.
#include <algorithm>
#include <array>
#include <span>

#include "io/inflate/stream.h"

namespace gyrus::io::inflate {
namespace {

constexpr std::array<std::uint8_t, kHeaderSymbols> kHeaderOrder = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                                                   11, 4,  12, 3, 13, 2, 14, 1, 15};
using Lengths = std::array<std::uint8_t, kMostLiterals + kMostDistances>;

// False where the data ends before.
bool take(Stream& s, unsigned count, std::uint32_t& value) {
  if (s.count < count) refill(s);
  if (s.count < count) return false;
  value = static_cast<std::uint32_t>(low_bits(s.bits, count));
  consume(s, count);
  return true;
}

bool copy_stored(Stream& s) {
  consume(s, static_cast<unsigned>(s.count % 8));
  std::uint32_t size = 0, complement = 0;
  if (!take(s, 16, size) || !take(s, 16, complement) || size != (~complement & 0xffff)) return false;
  s.in -= s.count / 8;  // whole bytes that were read ahead
  s.bits = s.count = 0;
  if (s.in_end - s.in < std::ptrdiff_t{size} || s.out_end - s.out < std::ptrdiff_t{size}) return false;
  if (size > 0) std::memcpy(s.out, s.in, size);
  s.in += size;
  s.out += size;
  s.phase = s.is_last ? Phase::done : Phase::header;
  return true;
}

bool build_fixed(Stream& s) {
  Lengths lengths;
  const auto literals = std::span(lengths).first<kMostLiterals>();
  std::ranges::fill(literals.subspan(0, 144), std::uint8_t{8});
  std::ranges::fill(literals.subspan(144, 112), std::uint8_t{9});
  std::ranges::fill(literals.subspan(256, 24), std::uint8_t{7});
  std::ranges::fill(literals.subspan(280), std::uint8_t{8});
  const auto distances = std::span(lengths).last<kMostDistances>();
  std::ranges::fill(distances, std::uint8_t{5});
  return build_tables(literals, distances, *s.tables);
}

// How often the last length is repeated, or zero: symbols 16 to 18.
bool take_run(Stream& s, unsigned symbol, std::uint32_t& run) {
  if (!take(s, symbol == 16 ? 2 : symbol == 17 ? 3 : 7, run)) return false;
  run += symbol == 18 ? 11 : 3;
  return true;
}

bool take_lengths(Stream& s, const HeaderTable& table, std::span<std::uint8_t> lengths) {
  for (std::size_t at = 0; at < lengths.size();) {
    if (s.count < kHeaderCodeBits) refill(s);
    const HeaderEntry entry = table[low_bits(s.bits, kHeaderCodeBits)];
    if (entry.bits == 0 || entry.bits > s.count) return false;
    consume(s, entry.bits);
    if (entry.symbol < 16) {
      lengths[at++] = entry.symbol;
      continue;
    }
    std::uint32_t run = 0;
    if (!take_run(s, entry.symbol, run) || run > lengths.size() - at || (entry.symbol == 16 && at == 0)) return false;
    std::ranges::fill(lengths.subspan(at, run), entry.symbol == 16 ? lengths[at - 1] : std::uint8_t{0});
    at += run;
  }
  return true;
}

bool build_dynamic(Stream& s) {
  std::uint32_t literals = 0, distances = 0, count = 0;
  if (!take(s, 5, literals) || !take(s, 5, distances) || !take(s, 4, count)) return false;
  literals += 257;
  distances += 1;
  std::array<std::uint8_t, kHeaderSymbols> own{};
  for (std::size_t i = 0; i < count + 4; ++i) {
    std::uint32_t length = 0;
    if (!take(s, 3, length)) return false;
    own[kHeaderOrder[i]] = static_cast<std::uint8_t>(length);
  }
  HeaderTable table;
  Lengths lengths;
  const auto all = std::span(lengths).first(literals + distances);
  return build_header_table(own, table) && take_lengths(s, table, all) &&
         build_tables(all.first(literals), all.subspan(literals), *s.tables);
}

bool read_header(Stream& s) {
  std::uint32_t is_last = 0, type = 0;
  if (!take(s, 1, is_last) || !take(s, 2, type)) return false;
  s.is_last = is_last == 1;
  if (type == 0) return copy_stored(s);
  if (type == 3 || !(type == 1 ? build_fixed(s) : build_dynamic(s))) return false;
  s.phase = Phase::symbols;
  return true;
}

bool copy_match(Stream& s, LiteralEntry entry) {
  const std::uint32_t length = length_of(entry, s.bits);
  consume(s, entry.bits);
  const DistanceEntry found = find_distance(*s.tables, s.bits);
  if (found.kind >= kSpecial || found.bits > s.count) return false;
  const std::uint32_t distance = distance_of(found, s.bits);
  consume(s, found.bits);
  if (s.out - s.out_begin < std::ptrdiff_t{distance} || s.out_end - s.out < std::ptrdiff_t{length}) return false;
  for (std::uint32_t i = 0; i < length; ++i, ++s.out) *s.out = *(s.out - distance);
  return true;
}

// One entry: a literal, a match, both, or the end of the block. False when it is damaged or does not fit.
bool decode_entry(Stream& s) {
  refill(s);
  const LiteralEntry entry = find_literal(*s.tables, s.bits);
  if (entry.kind == kInvalid || entry.bits > s.count) return false;
  if (entry.kind == kEnd) {
    consume(s, entry.bits);
    s.phase = s.is_last ? Phase::done : Phase::header;
    return true;
  }
  if (entry.kind == kLiteral) {
    if (s.out == s.out_end) return false;
    *s.out++ = entry.literal;
    consume(s, entry.bits);
    return true;
  }
  return copy_match(s, entry);
}

}  // namespace

void read_headers(Stream& s) {
  while (s.phase == Phase::header) {
    if (!read_header(s)) s.phase = Phase::damaged;
  }
}

void decode_carefully(Stream& s) {
  while (s.phase == Phase::symbols && !has_room(s)) {
    if (!decode_entry(s)) s.phase = Phase::damaged;
  }
}

}  // namespace gyrus::io::inflate
