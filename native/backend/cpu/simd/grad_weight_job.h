// What the threads of one gradient of a weight share, and what each has of its own.
#pragma once

#include "backend/cpu/simd/grad_weight_plan.h"
#include "core/dtype.h"

namespace gyrus::backend::cpu {

struct GradWeightJob {
  GradWeightPlan plan;
  DType compute = DType::f32;
  const void *x = nullptr, *dy = nullptr;  // [N, H, W, Ci], [N, OH, OW, Co]
  float* dw = nullptr;                     // [Co, Ci, KH, KW]
  float* scratch = nullptr;                // [sum_copies] sums, [parts] packed operands

  static std::int64_t padded(std::int64_t floats) { return (floats + 1023) / 1024 * 1024 + 16; }
  std::int64_t sum_stride() const { return padded(plan.sum_floats()); }
  std::int64_t sum_copies() const { return plan.row_parts > 1 ? plan.row_parts : plan.parts(); }
  std::int64_t packed_stride() const { return padded(plan.x_floats()) + padded(plan.dy_floats()); }
  std::int64_t scratch_floats() const { return sum_copies() * sum_stride() + plan.parts() * packed_stride(); }

  // The sums that a part adds to.
  float* sums(int part) const {
    const int copy = plan.row_parts > 1 ? part % plan.row_parts : part;
    return scratch + copy * sum_stride();
  }
  float* packed_x(int part) const { return scratch + sum_copies() * sum_stride() + part * packed_stride(); }
  float* packed_dy(int part) const { return packed_x(part) + padded(plan.x_floats()); }
};

// The positions of one chunk: rows of dy of all images counted through, and columns.
struct GradWeightChunk {
  Range rows, columns;
};

inline GradWeightChunk chunk_at(const GradWeightPlan& plan, std::int64_t index) {
  const std::int64_t row = index / plan.column_parts * plan.chunk_rows;
  const std::int64_t column = index % plan.column_parts * plan.chunk_columns;
  return {{row, std::min(row + plan.chunk_rows, plan.rows())},
          {column, std::min(column + plan.chunk_columns, plan.g.ow)}};
}

}  // namespace gyrus::backend::cpu
