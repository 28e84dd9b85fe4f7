// The fast loop's table. In noisy images of 16 bits most symbols are matches of four to six bytes, whose code and whose
// distance's code have some eleven bits together: one look-up in place of two halves the chain of steps that wait for
// one another.
#include <algorithm>

#include "io/inflate/codes.h"

namespace gyrus::io::inflate {
namespace {

// Bits that a stream may begin with, and what they mean.
struct Head {
  std::uint16_t code;
  FastEntry entry;
};

// In the order of their number of bits.
template <std::size_t kMost>
class Heads {
 public:
  // The heads that follow have so many bits; called for 1, 2, ...
  void begin(unsigned bits) { begins_[bits] = count_; }
  void end() { begins_[kFastBits + 1] = count_; }
  void add(unsigned code, FastEntry entry) { all_[count_++] = {static_cast<std::uint16_t>(code), entry}; }

  std::span<const Head> of(unsigned bits) const {
    return std::span(all_).subspan(begins_[bits], begins_[bits + 1] - begins_[bits]);
  }

 private:
  std::array<Head, kMost> all_;
  std::array<std::size_t, kFastBits + 2> begins_{};
  std::size_t count_ = 0;
};

constexpr FastEntry field(std::uint64_t value, unsigned shift) { return value << shift; }
constexpr FastEntry consumed(unsigned bits) { return field(bits, 0) | field(bits, kFastCodes); }
// The two bytes hold less than nothing, so that an address is one addition.
constexpr FastEntry base(unsigned distance) { return field(std::uint64_t{0x10000} - distance, kFastBase); }
// What was written there long ago lies ready. Of what was written just now it does not.
constexpr FastEntry kNoMatch = base(kWindow / 4);

// Up to ten bytes a length has a symbol of its own; then come three with two lengths each, as one bit more tells.
constexpr unsigned kSingleLengths = 8, kFastLengths = 11;
static_assert(kLengthBase[kFastLengths - 1] + 1 == kFastPiece);

struct Symbols {
  Heads<kMostLiterals> literals;
  Heads<2 * kFastLengths> lengths;

  explicit Symbols(const Code& code) {
    std::array<Symbol, kFastLengths> in_pairs;  // one bit longer than their codes
    std::size_t at = 0, pairs = 0;
    for (unsigned bits = 1; bits <= kFastBits; ++bits) {
      literals.begin(bits);
      lengths.begin(bits);
      for (const Symbol& symbol : std::span(in_pairs).first(pairs)) {
        const std::uint64_t length = kLengthBase[symbol.number - kFirstLength];
        lengths.add(symbol.code, consumed(bits) | field(length, kFastLength));
        lengths.add(symbol.code | 1U << (bits - 1), consumed(bits) | field(length + 1, kFastLength));
      }
      pairs = 0;
      for (const std::size_t end = at + code.counts[bits]; at < end; ++at) {
        const Symbol& symbol = code.symbols[at];
        if (symbol.number < kEndSymbol) {
          literals.add(symbol.code, consumed(bits) | field(1, kFastCount) | field(symbol.number, kFastLiterals));
        } else if (symbol.number >= kFirstLength && symbol.number < kFirstLength + kSingleLengths) {
          const std::uint64_t length = kLengthBase[symbol.number - kFirstLength];
          lengths.add(symbol.code, consumed(bits) | field(length, kFastLength));
        } else if (symbol.number >= kFirstLength && symbol.number < kFirstLength + kFastLengths) {
          in_pairs[pairs++] = symbol;
        }
      }
    }
    literals.end();
    lengths.end();
  }
};

// A copy of one piece must not read what it writes: nearer distances are left out.
Heads<kMostDistances> far_distances(const Code& code) {
  Heads<kMostDistances> heads;
  std::size_t at = 0;
  for (unsigned bits = 1; bits <= kFastBits; ++bits) {
    heads.begin(bits);
    for (const std::size_t end = at + code.counts[bits]; at < end; ++at) {
      const Symbol& symbol = code.symbols[at];
      if (symbol.number >= kDistances) continue;
      const DistanceEntry entry = distance_entry(symbol.number, bits);
      if (entry.base < kFastPiece) continue;
      heads.add(symbol.code, field(entry.bits, 0) | field(bits, kFastCodes) | base(entry.base));
    }
  }
  heads.end();
  return heads;
}

// Calls use(code, entry) for each match whose codes have so many bits.
template <class Use>
void each_match(const Symbols& symbols, const Heads<kMostDistances>& distances, unsigned bits, Use use) {
  for (unsigned own = 1; own < bits; ++own) {
    for (const Head& length : symbols.lengths.of(own)) {
      for (const Head& distance : distances.of(bits - own)) {
        use(static_cast<unsigned>(length.code | distance.code << own), length.entry + distance.entry);
      }
    }
  }
}

// The same literal behind another one.
FastEntry second(FastEntry literal) {
  const FastEntry byte = literal >> kFastLiterals & 0xff;
  return literal - field(byte, kFastLiterals) + field(byte, kFastLiterals + 8);
}

// For each number of bits n, at [2^n, 2^(n+1)): what n bits behind a literal hold whole, to be added to its entry.
using Seconds = std::array<FastEntry, kFastEntries>;

void fill_seconds(const Symbols& symbols, const Heads<kMostDistances>& distances, unsigned most, Seconds& seconds) {
  seconds[1] = kNoMatch;
  for (unsigned bits = 1; bits <= most; ++bits) {
    // One bit more at the end of what is whole leaves it as it is.
    const std::size_t half = std::size_t{1} << (bits - 1);
    const std::span<FastEntry> fewer = std::span(seconds).subspan(half, half),
                               own = std::span(seconds).subspan(2 * half, 2 * half);
    std::ranges::copy(fewer, own.begin());
    std::ranges::copy(fewer, own.begin() + static_cast<std::ptrdiff_t>(half));
    for (const Head& literal : symbols.literals.of(bits)) own[literal.code] = second(literal.entry) + kNoMatch;
    each_match(symbols, distances, bits, [&](unsigned code, FastEntry entry) { own[code] = entry; });
  }
}

}  // namespace

void fill_fast_table(const Code& literals, const Code& distances, std::span<FastEntry, kFastEntries> table) {
  const Symbols symbols(literals);
  const auto far = far_distances(distances);
  unsigned shortest = 1;  // code of a literal: more bits than are left behind it are never looked at
  while (shortest < kFastBits && symbols.literals.of(shortest).empty()) ++shortest;
  Seconds seconds;
  fill_seconds(symbols, far, kFastBits - shortest, seconds);

  std::ranges::fill(table, kSlow);
  for (unsigned bits = 1; bits <= kFastBits; ++bits) {
    each_match(symbols, far, bits,
               [&](unsigned code, FastEntry entry) { spread<FastEntry>(table, code, bits, kFastBits, entry); });
    const std::size_t rests = std::size_t{1} << (kFastBits - bits);
    for (const Head& literal : symbols.literals.of(bits)) {
      for (std::size_t rest = 0; rest < rests; ++rest) {
        table[literal.code | rest << bits] = literal.entry + seconds[rests + rest];
      }
    }
  }
}

}  // namespace gyrus::io::inflate
