// Reals of 16 bytes. NIfTI's float128 is IEEE's binary128 by name; programs on x86 write their long double under that
// code, 10 bytes and 6 that mean nothing.
#pragma once

#include <array>
#include <cstddef>
#include <span>

namespace gyrus::imaging {

using WideReal = std::array<std::byte, 16>;  // little-endian

// Whether elements are x86's, all of them together: their significands then carry the leading bit that binary128 leaves
// out, and in front of it lie exponents of usual numbers, where binary128 has digits. The bytes that mean nothing say
// nothing: numpy leaves in them what was there before.
bool are_extended(std::span<const std::byte> elements);

// The nearest double, or its neighbour.
double from_extended(const WideReal& element);
double from_binary128(const WideReal& element);

}  // namespace gyrus::imaging
