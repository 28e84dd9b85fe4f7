// Packs the operands of one unit of a GradWeightPlan.
#pragma once

#include <cstddef>
#include <cstdint>

#include "backend/cpu/amx/grad_weight_plan.h"
#include "core/dtype.h"

namespace gyrus::backend::cpu::amx {

// Which part of dy a unit is: rows [row, row + rows) of both images of the pair, or columns of the only row.
struct Unit {
  std::int64_t pair = 0, row = 0, rows = 0, column = 0, columns = 0;
  std::int64_t positions = 0, steps = 0;  // steps = positions / 16, rounded up
};

class PairPacker {
 public:
  explicit PairPacker(const GradWeightPlan& plan) : plan_(plan) {}

  Unit unit(std::int64_t index) const;

  // Of one block of 16 channels of a unit; odd multiples of 64 bytes, so that the blocks do not compete for the same
  // lines of a cache.
  std::int64_t a_block_bytes() const { return plan_.unit_steps() * 1024 + 64; }
  std::int64_t b_block_bytes(std::size_t phase) const;
  // Of `groups` groups of 32 channels of a unit; b: all phases.
  std::int64_t a_unit_bytes(std::int64_t groups) const { return 2 * groups * a_block_bytes(); }
  std::int64_t b_unit_bytes(std::int64_t groups) const;
  std::int64_t b_phase_offset(std::size_t phase, std::int64_t groups) const;
  std::int64_t row_buffer_bytes() const;  // 0 unless has_columns_as_channels

  // dy's channels [32 group, 32 (group + groups)), transposed: [block][step][16 channels][16 positions][2].
  void pack_a(const bf16_t* dy, const Unit& unit, std::int64_t group, std::int64_t groups, std::byte* to) const;
  // x's: [phase][block][position][16 channels][2].
  void pack_b(const bf16_t* x, const Unit& unit, std::int64_t group, std::int64_t groups, std::byte* row_buffer,
              std::byte* to) const;

 private:
  struct Images {
    const bf16_t *first = nullptr, *second = nullptr;
    bool has_second = false;
  };
  // A row of positions of packed x: where it comes from and goes to.
  struct BRow {
    std::int64_t h = 0;  // row of the image; may lie outside
    std::int64_t group = 0, channels = 0;
    std::byte* to = nullptr;
    std::int64_t block_bytes = 0;
  };
  Images images(const bf16_t* base, std::int64_t pair, std::int64_t image_elements) const;
  std::int64_t reach(std::size_t phase) const;  // largest offset of a tap
  std::int64_t padded_row_elements() const;
  void pack_b_row(const Images& x, const BRow& row, const Phase& phase) const;
  void pack_b_merged(const Images& x, const BRow& row, std::byte* row_buffer) const;

  const GradWeightPlan& plan_;
};

}  // namespace gyrus::backend::cpu::amx
