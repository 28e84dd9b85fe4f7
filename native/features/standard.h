// Features moved and scaled, column by column, to mean 0 and standard deviation 1 over the training rows.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "core/aligned_buffer.h"

namespace gyrus::features {

class Standard {
 public:
  // Of rows [n, dim], n > 0. Columns that never change get the scale 0. Reads the rows twice.
  Standard(std::span<const float> rows, std::size_t dim, int threads);

  // Throws Code::non_finite where the rows called `name` hold NaN or infinity.
  // In pages of its own where it is large: whoever reads it again and again misses the TLB less.
  AlignedBuffer applied(std::span<const float> rows, const char* name, int threads) const;
  // A classifier of standardised rows, [classes, dim + 1] with the bias last, as one of rows that are not.
  void undo(std::span<const float> classifier, std::span<float> weights, std::span<float> bias) const;

 private:
  std::vector<double> mean_, scale_;
};

}  // namespace gyrus::features
