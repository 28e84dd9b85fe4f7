#include "io/finite.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "core/error.h"
#include "io/utf8.h"

namespace gyrus::io {
namespace {

constexpr std::size_t kBlock = 4096;  // elements tested between two branches

// Integer arithmetic, so that no optimiser setting about NaN can remove it.
std::uint32_t is_non_finite(float value) {
  return (std::bit_cast<std::uint32_t>(value) & 0x7f800000U) == 0x7f800000U ? 1U : 0U;
}

// The flat index of a C-order array as one index an axis.
Shape unravel(std::int64_t flat, const Shape& shape) {
  std::array<std::int64_t, Shape::kMaxRank> index{};
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    index[static_cast<std::size_t>(axis)] = flat % shape[axis];
    flat /= shape[axis];
  }
  return Shape(std::span<const std::int64_t>(index.data(), static_cast<std::size_t>(shape.rank())));
}

}  // namespace

std::int64_t find_non_finite(std::span<const float> values) {
  for (std::size_t first = 0; first < values.size(); first += kBlock) {
    const auto block = values.subspan(first, std::min(kBlock, values.size() - first));
    std::uint32_t found = 0;
    for (const float value : block) found |= is_non_finite(value);
    if (found == 0) continue;
    const auto at = std::find_if(block.begin(), block.end(), [](float value) { return is_non_finite(value) != 0; });
    return static_cast<std::int64_t>(first) + (at - block.begin());
  }
  return -1;
}

void check_finite(std::span<const float> values, const Shape& shape, std::string_view file, std::string_view tensor) {
  GYRUS_ASSERT(static_cast<std::int64_t>(values.size()) == shape.elements());
  const std::int64_t at = find_non_finite(values);
  if (at < 0) return;
  const float value = values[static_cast<std::size_t>(at)];
  throw Error(Code::non_finite, text(file, ": tensor ", quoted(tensor), " ", shape, " holds ",
                                     std::isnan(value) ? "NaN" : (value > 0 ? "infinity" : "-infinity"), " at index ",
                                     unravel(at, shape), " (element ", at,
                                     "), finite numbers were expected; the run that wrote it diverged, or a number "
                                     "exceeds f32: use an earlier checkpoint"));
}

}  // namespace gyrus::io
