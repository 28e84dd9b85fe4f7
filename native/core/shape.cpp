#include "core/shape.h"

#include <algorithm>

namespace gyrus {

Shape::Shape(std::span<const std::int64_t> extents) {
  GYRUS_CHECK(extents.size() <= kMaxRank, Code::shape, "a tensor has at most ", kMaxRank, " axes, not ",
              extents.size());
  for (const std::int64_t extent : extents) {
    GYRUS_CHECK(extent >= 0, Code::shape, "an extent cannot be negative: ", extent);
    extents_[static_cast<std::size_t>(rank_++)] = extent;
  }
}

std::int64_t Shape::elements() const {
  std::int64_t product = 1;
  for (const std::int64_t extent : extents()) {
    GYRUS_CHECK(!__builtin_mul_overflow(product, extent, &product), Code::shape, "the shape ", to_string(*this),
                " has more elements than 2^63");
  }
  return product;
}

Shape Shape::with_back(std::int64_t extent) const {
  GYRUS_ASSERT(rank_ > 0);
  Shape result = *this;
  result.extents_[static_cast<std::size_t>(rank_ - 1)] = extent;
  return result;
}

std::string to_string(const Shape& shape) {
  std::string out = "[";
  for (int axis = 0; axis < shape.rank(); ++axis) out += text(axis == 0 ? "" : ", ", shape[axis]);
  return out + "]";
}

}  // namespace gyrus
