#include "imaging/wide_real.h"

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "core/error.h"

namespace gyrus::imaging {
namespace {

// Sign and exponent are in 16 bits, the last ones of the number, in both forms with the same bias.
constexpr std::uint32_t kSign = 0x8000, kExponent = 0x7fff;
constexpr int kBias = 16383;
constexpr int kDoubles = 1100;  // exponents of doubles are nearer to the bias: no volume needs others
constexpr std::uint64_t kLeading = std::uint64_t{1} << 63;  // of the significand of x86
constexpr std::size_t kExtendedBytes = 10;

template <class T>
T load(std::span<const std::byte> bytes, std::size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

bool is_zero(std::span<const std::byte> bytes) {
  for (const std::byte byte : bytes) {
    if (byte != std::byte{0}) return false;
  }
  return true;
}

double signed_value(std::uint32_t head, double magnitude) { return (head & kSign) != 0 ? -magnitude : magnitude; }

}  // namespace

bool are_extended(std::span<const std::byte> elements) {
  GYRUS_ASSERT(elements.size() % sizeof(WideReal) == 0);
  bool has_number = false, has_rest = false;
  for (std::size_t at = 0; at < elements.size(); at += sizeof(WideReal)) {
    const std::span<const std::byte> element = elements.subspan(at, sizeof(WideReal));
    const bool has_leading = (load<std::uint64_t>(element, 0) & kLeading) != 0;
    const std::uint32_t exponent = load<std::uint16_t>(element, 8) & kExponent;
    if (has_leading != (exponent != 0)) return false;  // x86 makes no such number, but for those next to zero
    if (exponent != 0 && exponent != kExponent && std::abs(static_cast<int>(exponent) - kBias) > kDoubles) return false;
    has_number = has_number || has_leading;
    has_rest = has_rest || !is_zero(element.subspan(kExtendedBytes));
  }
  return has_number || !has_rest;
}

double from_extended(const WideReal& element) {
  const std::uint32_t head = load<std::uint16_t>(element, 8);
  const std::uint64_t significand = load<std::uint64_t>(element, 0);
  const auto exponent = static_cast<int>(head & kExponent);
  if (exponent == kExponent) {
    const bool is_infinite = (significand & ~kLeading) == 0;
    using Limits = std::numeric_limits<double>;
    return signed_value(head, is_infinite ? Limits::infinity() : Limits::quiet_NaN());
  }
  return signed_value(head, std::ldexp(static_cast<double>(significand), exponent - kBias - 63));
}

double from_binary128(const WideReal& element) {
  const std::uint64_t low = load<std::uint64_t>(element, 0), top = load<std::uint64_t>(element, 8);
  const auto head = static_cast<std::uint32_t>(top >> 48U);
  const std::uint64_t high = top & 0xffffffffffffU;  // the first 48 of 112 bits behind the leading one
  const auto exponent = static_cast<int>(head & kExponent);
  if (exponent == kExponent) {
    using Limits = std::numeric_limits<double>;
    return signed_value(head, high == 0 && low == 0 ? Limits::infinity() : Limits::quiet_NaN());
  }
  // Without an exponent a number is too small for a double.
  if (exponent == 0) return signed_value(head, 0);
  const auto leading = static_cast<double>(high | std::uint64_t{1} << 48U);
  return signed_value(head, std::ldexp(std::ldexp(leading, 64) + static_cast<double>(low), exponent - kBias - 112));
}

}  // namespace gyrus::imaging
