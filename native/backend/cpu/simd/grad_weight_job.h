// What the threads of one gradient of a weight share, and what each has of its own.
#pragma once

#include "backend/cpu/simd/grad_weight_plan.h"

namespace gyrus::backend::cpu {

// What the products multiply: numbers widened to f32, or pairs of bf16 numbers, both from the same position of two
// images, by AVX512_BF16's instruction, which adds the products of both. Pairs have as many bits as an f32, so a plan
// for half the images serves them.
enum class GradWeightOperand { f32, bf16, bf16_pair };

struct GradWeightJob {
  GradWeightPlan plan;
  GradWeightOperand operand = GradWeightOperand::f32;
  const void *x = nullptr, *dy = nullptr;      // [N, H, W, Ci], [N, OH, OW, Co]
  std::int64_t x_size = 0, dy_size = 0;        // elements of all images
  std::int64_t x_partner = 0, dy_partner = 0;  // elements from a pair's first number to its second
  float* dw = nullptr;                         // [Co, Ci, KH, KW]
  float* scratch = nullptr;                    // [sum_copies] sums, [parts] packed operands

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
