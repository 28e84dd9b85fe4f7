// The extents of a tensor: at most five, outermost first, held inline.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <ostream>
#include <span>
#include <string>

#include "core/error.h"

namespace gyrus {

class Shape {
 public:
  static constexpr int kMaxRank = 5;

  Shape() = default;
  Shape(std::initializer_list<std::int64_t> extents) : Shape(std::span(extents.begin(), extents.size())) {}
  // Throws Code::shape for a rank above five or a negative extent.
  explicit Shape(std::span<const std::int64_t> extents);

  int rank() const { return rank_; }
  // Negative axes count from the end, as in NumPy.
  std::int64_t operator[](int axis) const {
    const int at = axis < 0 ? axis + rank_ : axis;
    GYRUS_ASSERT(at >= 0 && at < rank_);
    return extents_[static_cast<std::size_t>(at)];
  }
  std::int64_t back() const { return (*this)[-1]; }
  // Number of elements; throws Code::shape when it overflows int64.
  std::int64_t elements() const;
  // Product of all extents but the last: the number of rows when a tensor is seen as [rows, C].
  std::int64_t rows() const { return rank_ == 0 ? 1 : (back() == 0 ? 0 : elements() / back()); }
  // The same shape with another last extent.
  Shape with_back(std::int64_t extent) const;

  std::span<const std::int64_t> extents() const { return {extents_.data(), static_cast<std::size_t>(rank_)}; }
  bool operator==(const Shape& other) const = default;

 private:
  std::array<std::int64_t, kMaxRank> extents_{};
  int rank_ = 0;
};

// "[16, 224, 224, 3]"
std::string to_string(const Shape& shape);
inline std::ostream& operator<<(std::ostream& out, const Shape& shape) { return out << to_string(shape); }

}  // namespace gyrus
