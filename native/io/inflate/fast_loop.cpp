// The fast loop. A step is an entry of the table: a literal or none, then a match or none, without a branch on which:
// the literal is always stored and a distance always looked up, and what is not there counts for nothing. Rare entries
// go a slower way. Two streams take turns; the processor overlaps their steps, as neither waits for the other.
#include <immintrin.h>

#include <algorithm>

#include "io/inflate/stream.h"

namespace gyrus::io::inflate {
namespace {

#define GYRUS_BMI2 __attribute__((target("bmi2")))
#define GYRUS_BMI2_INLINE inline __attribute__((target("bmi2"), always_inline))

constexpr std::uint32_t kPiece = 16;  // bytes that a copy moves at once

// Not even one: how many steps are safe, whatever they are.
std::ptrdiff_t safe_steps(const Stream& s) {
  return has_room(s) ? std::min((s.in_end - s.in) / kStepIn, (s.out_end - s.out) / kStepOut) : 0;
}

// Up to 15 bytes more than the match are written. A distance below a piece repeats what the copy itself writes.
__attribute__((noinline)) void copy_match(std::uint8_t* out, std::uint32_t distance, std::uint32_t length) {
  const std::uint8_t* const from = out - distance;
  if (distance == 1) {
    std::memset(out, *from, length);
  } else if (distance < kPiece) {
    for (std::uint32_t i = 0; i < length; ++i) out[i] = from[i];
  } else {
    for (std::uint32_t i = 0; i < length; i += kPiece) std::memcpy(out + i, from + i, kPiece);
  }
}

// One entry of any kind. False: the block ends, or is damaged.
__attribute__((noinline)) bool step_slowly(Stream& s) {
  const LiteralEntry entry = find_literal(*s.tables, s.bits);
  if (entry.kind == kEnd || entry.kind == kInvalid) {
    consume(s, entry.bits);
    s.phase = entry.kind == kInvalid ? Phase::damaged : s.is_last ? Phase::done : Phase::header;
    return false;
  }
  const std::uint32_t length = length_of(entry, s.bits);
  if (entry.kind == kLiteral) *s.out++ = entry.literal;
  consume(s, entry.bits);
  if (length == 0) return true;
  const DistanceEntry found = find_distance(*s.tables, s.bits);
  if (found.kind >= kSpecial) {
    s.phase = Phase::damaged;
    return false;
  }
  const std::uint32_t distance = distance_of(found, s.bits);
  consume(s, found.bits);
  copy_match(s.out, distance, length);
  s.out += length;
  return true;
}

// On a copy, so that the loop's own stream can stay in registers.
GYRUS_BMI2_INLINE bool step_aside(Stream& s) {
  Stream copy = s;
  const bool goes_on = step_slowly(copy);
  s = copy;
  return goes_on;
}

// A match whose length has bits of its own behind the code: long ones, of background mostly.
GYRUS_BMI2_INLINE bool step_long(Stream& s, const LiteralEntry* entry) {
  const std::uint64_t bits = s.bits, taken = entry->bits, behind = bits >> taken;
  const DistanceEntry* const found = s.tables->distances.data() + _bzhi_u64(behind, kDistanceBits);
  if (__builtin_expect(found->kind >= kSpecial, 0)) return step_aside(s);
  const std::uint64_t length = entry->value() + (_bzhi_u64(bits, entry->bits) >> (entry->kind & kCountMask));
  const std::uint64_t distance = found->base + (_bzhi_u64(behind, found->bits) >> found->kind);
  s.bits = behind >> found->bits;
  s.count -= taken + found->bits;
  std::uint8_t* out = s.out;
  const std::uint8_t* from = out - distance;
  s.out += length;
  if (distance < kPiece) {
    copy_match(out, static_cast<std::uint32_t>(distance), static_cast<std::uint32_t>(length));
    return true;
  }
  for (; out < s.out; out += kPiece, from += kPiece) std::memcpy(out, from, kPiece);
  return true;
}

// 56 bits at least. A step consumes 12 + 28 of them, the slow way 20 + 28.
GYRUS_BMI2_INLINE void refill_fast(Stream& s) {
  std::uint64_t next = 0;
  std::memcpy(&next, s.in, sizeof next);
  s.bits |= next << s.count;
  s.in += (63 - s.count) >> 3;
  s.count |= 56;
}

GYRUS_BMI2_INLINE const LiteralEntry* find_fast(const Stream& s) {
  return s.tables->literals.data() + _bzhi_u64(s.bits, kLiteralBits);
}

// A literal and nothing behind it.
GYRUS_BMI2_INLINE bool is_single(const LiteralEntry* entry) { return entry->kind == kLiteral && entry->length == 0; }

GYRUS_BMI2_INLINE bool take_literal(Stream& s) {
  const LiteralEntry* const entry = find_fast(s);
  if (!is_single(entry)) return false;
  *s.out++ = entry->literal;
  s.bits >>= entry->bits;
  s.count -= entry->bits;
  return true;
}

// kHasRuns: in blocks of few matches a branch on what a symbol is costs less than to prepare for all.
template <bool kHasRuns>
GYRUS_BMI2_INLINE bool step(Stream& s) {
  refill_fast(s);
  if (kHasRuns) {
    // NOLINTNEXTLINE(misc-redundant-expression): each call takes a literal of its own
    if (take_literal(s) && take_literal(s) && take_literal(s) && take_literal(s)) return true;
    refill_fast(s);
  }
  const std::uint64_t bits = s.bits;
  const LiteralEntry* const entry = find_fast(s);
  if (__builtin_expect(entry->kind >= kSpecial, 0)) {
    return (entry->kind & kKindMask) == kExtraLength ? step_long(s, entry) : step_aside(s);
  }
  const std::uint64_t taken = entry->bits, length = entry->length, behind = bits >> taken;
  const DistanceEntry* const found = s.tables->distances.data() + _bzhi_u64(behind, kDistanceBits);
  if (__builtin_expect(found->kind >= kSpecial, 0)) return step_aside(s);
  *s.out = entry->literal;
  std::uint8_t* const out = s.out + entry->kind;  // one further if there is a literal
  const std::uint64_t distance = found->base + (_bzhi_u64(behind, found->bits) >> found->kind);
  std::uint64_t more = found->bits;
  // A conditional move, which the compiler would make a branch of.
  __asm__("test %1, %1\n\tcmovz %1, %0" : "+r"(more) : "r"(length) : "cc");
  s.bits = behind >> more;
  s.count -= taken + more;
  s.out = out + length;
  if (__builtin_expect(distance < kPiece, 0)) {
    copy_match(out, static_cast<std::uint32_t>(distance), static_cast<std::uint32_t>(length));
  } else {
    std::memcpy(out, out - distance, kPiece);
  }
  return true;
}

// The loop leaves bits above `count`, which are those that the next refill would bring.
void settle(Stream& s) { s.bits = low_bits(s.bits, static_cast<unsigned>(s.count)); }

template <bool kHasRuns>
GYRUS_BMI2 void run(Stream& s) {
  Stream own = s;
  for (bool goes_on = true; goes_on;) {
    std::ptrdiff_t steps = safe_steps(own);
    if (steps == 0) break;
    for (; steps > 0 && goes_on; --steps) goes_on = step<kHasRuns>(own);
  }
  settle(own);
  s = own;
}

template <bool kFirstHasRuns, bool kSecondHasRuns>
GYRUS_BMI2 void run(Stream& first, Stream& second) {
  Stream a = first, b = second;
  for (bool goes_on = true; goes_on;) {
    std::ptrdiff_t steps = std::min(safe_steps(a), safe_steps(b));
    if (steps == 0) break;
    for (; steps > 0 && goes_on; --steps) goes_on = step<kFirstHasRuns>(a) && step<kSecondHasRuns>(b);
  }
  settle(a);
  settle(b);
  first = a;
  second = b;
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
