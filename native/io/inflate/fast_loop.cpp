// The fast loop. A step is an entry of the table: a literal, two or none, then a match or none, without a branch on
// which: two literals are always stored and a piece always copied, and what is not there counts for nothing. Rare
// entries go a slower way. Two streams take turns; the processor overlaps their steps, as neither waits for the other.
// Of 26 instructions a step, 7 are the chain of what waits for what: 8 cycles in one stream, 5 with two at once.
#include <immintrin.h>

#include <algorithm>

#include "io/inflate/stream.h"

namespace gyrus::io::inflate {
namespace {

#define GYRUS_BMI2 __attribute__((target("bmi2")))
#define GYRUS_BMI2_INLINE inline __attribute__((target("bmi2"), always_inline))

constexpr std::uint64_t kCount = 63;

// A stream as the loop holds it, in registers.
struct Cursor {
  const std::uint8_t* in;
  std::uint8_t* out;
  std::uint64_t bits;   // above `count` there may be those that the next refill brings
  std::uint64_t count;  // in the low six bits; above them there may be anything
};

Cursor to_cursor(const Stream& s) { return {s.in, s.out, s.bits, s.count}; }

void to_stream(const Cursor& c, Stream& s) {
  s.in = c.in;
  s.out = c.out;
  s.count = c.count & kCount;
  s.bits = low_bits(c.bits, static_cast<unsigned>(s.count));
}

// How many turns are safe, whatever they are.
std::ptrdiff_t safe_turns(const Stream& s) {
  return has_room(s) ? std::min((s.in_end - s.in) / kTurnIn, (s.out_end - s.out) / kTurnOut) : 0;
}

// Up to 15 bytes more than the match are written.
inline void copy_match(std::uint8_t* out, std::uint64_t distance, std::uint64_t length) {
  std::uint64_t done = 0;
  if (distance == 1) {
    const __m128i piece = _mm_set1_epi8(static_cast<char>(out[-1]));
    for (; done < length; done += kFastPiece) _mm_storeu_si128(reinterpret_cast<__m128i*>(out + done), piece);
    return;
  }
  if (distance < kFastPiece) {
    // What is repeated grows until a piece of it can be copied.
    const std::uint64_t whole = (kFastPiece + distance - 1) / distance * distance;
    for (const std::uint8_t* from = out - distance; done < std::min(whole, length); ++done) out[done] = from[done];
    distance = whole;
  }
  for (; done < length; done += kFastPiece) std::memcpy(out + done, out + done - distance, kFastPiece);
}

// 56 bits at least.
GYRUS_BMI2_INLINE void refill_fast(Cursor& c) {
  std::uint64_t next = 0;
  std::memcpy(&next, c.in, sizeof next);
  c.bits |= next << (c.count & kCount);
  c.in += 7;
  c.in -= c.count >> 3 & 7;
  c.count |= 56;
}

// Whatever comes next, one symbol; and a match's distance: 48 bits at most. False: the block ends, or is damaged.
__attribute__((noinline)) bool step_slowly(Cursor& c, Stream& s) {
  to_stream(c, s);
  const LiteralEntry entry = find_literal(*s.tables, s.bits);
  bool goes_on = true;
  if (entry.kind == kEnd || entry.kind == kInvalid) {
    s.phase = entry.kind == kInvalid ? Phase::damaged : s.is_last ? Phase::done : Phase::header;
    consume(s, entry.bits);
    goes_on = false;
  } else if (entry.kind == kLiteral) {
    consume(s, entry.bits);
    *s.out++ = entry.literal;
  } else {
    const std::uint32_t length = length_of(entry, s.bits);
    consume(s, entry.bits);
    const DistanceEntry found = find_distance(*s.tables, s.bits);
    if (found.kind >= kSpecial) {
      s.phase = Phase::damaged;
      goes_on = false;
    } else {
      const std::uint32_t distance = distance_of(found, s.bits);
      consume(s, found.bits);
      copy_match(s.out, distance, length);
      s.out += length;
    }
  }
  c = to_cursor(s);
  return goes_on;
}

// On a copy, so that the loop's own cursor can stay in registers.
GYRUS_BMI2_INLINE bool step_aside(Cursor& c, Stream& s) {
  Cursor copy = c;
  const bool goes_on = step_slowly(copy, s);
  c = copy;
  return goes_on;
}

// Of an entry's bytes, loaded by themselves: an instruction each, where shifting them out would be two.
template <class Number>
GYRUS_BMI2_INLINE Number part(const FastEntry* entry, unsigned shift) {
  Number number;
  std::memcpy(&number, reinterpret_cast<const std::uint8_t*>(entry) + shift / 8, sizeof number);
  return number;
}

GYRUS_BMI2_INLINE void consume_fast(Cursor& c, FastEntry entry) {
  c.bits >>= entry & kCount;
  c.count -= entry;
}

// One or two literals and nothing behind them.
GYRUS_BMI2_INLINE bool take_literals(Cursor& c, const FastEntry* table) {
  const FastEntry* const at = table + (c.bits & (kFastEntries - 1));
  const FastEntry entry = *at;
  if ((entry & (kSlow | FastEntry{0xff} << kFastLength)) != 0) return false;
  const auto literals = part<std::uint16_t>(at, kFastLiterals);
  std::memcpy(c.out, &literals, sizeof literals);
  c.out += part<std::uint8_t>(at, kFastCount);
  consume_fast(c, entry);
  return true;
}

// A match that is long, near, or of long codes: those of background follow one another.
GYRUS_BMI2_INLINE bool step_match(Cursor& c, Stream& s) {
  refill_fast(c);
  const LiteralEntry entry = s.tables->literals[c.bits & ((1U << kLiteralBits) - 1)];
  const std::uint64_t behind = c.bits >> entry.bits;
  const DistanceEntry found = s.tables->distances[behind & ((1U << kDistanceBits) - 1)];
  const bool is_match = entry.kind == kLength || (entry.kind & kKindMask) == kExtraLength;
  if (!is_match || found.kind >= kSpecial) return step_aside(c, s);
  const std::uint64_t extra = _bzhi_u64(c.bits, entry.bits) >> (entry.kind & kCountMask);
  const std::uint64_t length = entry.kind == kLength ? entry.length : entry.value() + extra;
  const std::uint64_t distance = found.base + (_bzhi_u64(behind, found.bits) >> found.kind);
  c.bits = behind >> found.bits;
  c.count -= entry.bits + found.bits;
  copy_match(c.out, distance, length);
  c.out += length;
  return true;
}

GYRUS_BMI2_INLINE bool step(Cursor& c, const FastEntry* table, Stream& s) {
  const FastEntry* const at = table + (c.bits & (kFastEntries - 1));
  const FastEntry entry = *at;
  if (__builtin_expect((entry & kSlow) != 0, 0)) return step_match(c, s);
  const std::uint64_t codes = entry >> kFastCodes & kCount;
  const std::uint64_t own = _bzhi_u64(c.bits, static_cast<unsigned>(entry)) >> codes;
  const std::int64_t back = part<std::int16_t>(at, kFastBase) - static_cast<std::int64_t>(own);
  const auto literals = part<std::uint16_t>(at, kFastLiterals);
  std::memcpy(c.out, &literals, sizeof literals);
  std::uint8_t* const out = c.out + part<std::uint8_t>(at, kFastCount);
  c.out = out + part<std::uint8_t>(at, kFastLength);
  consume_fast(c, entry);
  std::memcpy(out, out + back, kFastPiece);
  return true;
}

// A stream's turn: two steps, of 24 bits at most each; or in blocks of few matches, where a branch on what a symbol is
// costs less than to prepare for all, literals as long as they come.
template <bool kHasRuns>
GYRUS_BMI2_INLINE bool turn(Cursor& c, const FastEntry* table, Stream& s) {
  refill_fast(c);
  if (kHasRuns) {
    // NOLINTNEXTLINE(misc-redundant-expression): each call takes literals of its own
    if (take_literals(c, table) && take_literals(c, table) && take_literals(c, table) && take_literals(c, table)) {
      return true;
    }
    refill_fast(c);
  }
  return step(c, table, s) && (kHasRuns || step(c, table, s));
}

template <bool kHasRuns>
GYRUS_BMI2 void run(Stream& s) {
  const FastEntry* const table = s.tables->fast.data();
  for (bool goes_on = true; goes_on;) {
    std::ptrdiff_t turns = safe_turns(s);
    if (turns == 0) return;
    Cursor c = to_cursor(s);
    do {
      goes_on = turn<kHasRuns>(c, table, s);
    } while (goes_on && --turns > 0);
    to_stream(c, s);
  }
}

template <bool kFirstHasRuns, bool kSecondHasRuns>
GYRUS_BMI2 void run(Stream& first, Stream& second) {
  const FastEntry* const first_table = first.tables->fast.data();
  const FastEntry* const second_table = second.tables->fast.data();
  for (bool goes_on = true; goes_on;) {
    std::ptrdiff_t turns = std::min(safe_turns(first), safe_turns(second));
    if (turns == 0) return;
    Cursor a = to_cursor(first), b = to_cursor(second);
    do {
      goes_on = turn<kFirstHasRuns>(a, first_table, first) && turn<kSecondHasRuns>(b, second_table, second);
    } while (goes_on && --turns > 0);
    to_stream(a, first);
    to_stream(b, second);
  }
}

}  // namespace

void decode_fast(Stream& s) { s.tables->has_runs ? run<true>(s) : run<false>(s); }

void decode_fast(Stream& first, Stream& second) {
  if (first.tables->has_runs) {
    second.tables->has_runs ? run<true, true>(first, second) : run<true, false>(first, second);
  } else {
    second.tables->has_runs ? run<false, true>(first, second) : run<false, false>(first, second);
  }
}

}  // namespace gyrus::io::inflate
