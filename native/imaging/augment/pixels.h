// The loops over pixels that views are made of, by the widest vectors there are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace gyrus::imaging {

// out = sum of weights[k] * rows[k], rows `width` long: 4 bytes are read and 2 operations done a tap, 4 written.
void mix_rows(std::span<const float* const> rows, std::span<const float> weights, std::size_t width, float* out);
// The same of 16-bit rows that lie `stride` elements apart, times `scale`.
void mix_levels(const std::uint16_t* rows, std::size_t stride, std::span<const float> weights, float scale,
                std::span<float> out);

// v = clamp(factor * v + shift, 0, 1) in place: 8 bytes and 4 operations an element.
void scale_clamped(std::span<float> values, float factor, float shift);
float sum_of(std::span<const float> values);
// v = v^power in place, of values between 0 and 1; to some 4 ULP.
void raise(std::span<float> values, float power);
// v = min(v * exp(c0 + c1 x + c2 x^2), 1) in place, x from -1 to 1 along the row.
void multiply_exp(std::span<float> row, float c0, float c1, float c2);

// The last pass: solarised if asked for, normalised, mirrored if asked for. Each value is read and written once.
struct Finish {
  bool is_solarized = false, is_flipped = false;
  float factor = 1, shift = 0;  // result = factor * v + shift
};
void finish_row(std::span<const float> row, const Finish& finish, float* out);

}  // namespace gyrus::imaging
