// Slices to square images of one size, with the proportions that the body has.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace gyrus::imaging {

// How one axis is resampled: pixel i of the result is the sum over k of weight[k * size + i] * source[first[i] + k].
struct AxisTaps {
  std::int64_t count = 0;  // taps a pixel
  std::vector<std::int32_t> first;
  std::vector<float> weight;
};

struct ResampleGeometry {
  std::int64_t rows = 0, columns = 0;  // of the source
  double row_mm = 1, column_mm = 1;    // from one row or column to the next
  std::int64_t size = 0;               // rows and columns of the result

  bool operator==(const ResampleGeometry&) const = default;
};

// The longer side (in mm) fills the result, the shorter is centred, what is beyond the source is 0. The filter is a
// triangle as wide as the coarser of both grids: linear interpolation when enlarging, an average without aliasing when
// reducing. A source that has the size and square pixels is copied.
class Resampler {
 public:
  // Sets the geometry; the same as before costs nothing.
  void prepare(const ResampleGeometry& geometry);
  // `source` [rows, columns], `result` [size, size]. Per pixel of the result: a multiply-add a tap and axis,
  // and being moved twice between rows and columns, which costs more.
  void run(std::span<const std::uint16_t> source, std::span<std::uint16_t> result);

 private:
  bool is_copy_ = false;
  ResampleGeometry geometry_;
  AxisTaps rows_, columns_;
  // Rows of the result before their columns are resampled; the same with elements of a column side by side; the result
  // in that order.
  std::vector<float> rows_mixed_, turned_;
  std::vector<std::uint16_t> levels_;
};

}  // namespace gyrus::imaging
