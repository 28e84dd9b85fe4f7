#include "backend/cpu/amx/grad_weight_plan.h"

#include <algorithm>

namespace gyrus::backend::cpu::amx {
namespace {

// How many steps (of 16 positions) are summed in tile registers before the sums go to memory. With 16 the packed
// operands that are in use fit the L1 cache (2.0 TFLOP/s a core from there, 1.7 from L2), and the sums are small enough
// to come and go through the L2 cache. Sums that are too many for it must move as seldom as possible instead: then as
// many steps as the packed operands of 512 by 512 channels have room for in L2.
constexpr std::int64_t kFewSteps = 16, kManySteps = 64;
constexpr std::int64_t kCachedSumsBytes = 768 * 1024;
constexpr std::int64_t kPackedBytes = std::int64_t{2} << 20;
constexpr std::int64_t kStepBytes = 64;  // of 16 pairs of positions, one channel
constexpr std::int64_t kFewChannels = 16;

void plan_taps(GradWeightPlan& plan) {
  const ConvGeometry& g = plan.g;
  const std::int64_t phase_rows = std::min(g.stride, g.kh);
  const std::int64_t columns = plan.has_columns_as_channels ? 1 : g.kw;
  const std::int64_t phase_columns = std::min(g.stride, columns);
  for (std::int64_t row = 0; row < phase_rows; ++row) {
    for (std::int64_t column = 0; column < phase_columns; ++column) {
      plan.phases.push_back({row, column, (g.kh - 1 - row) / g.stride});
    }
  }
  for (std::int64_t kh = 0; kh < g.kh; ++kh) {
    for (std::int64_t kw = 0; kw < columns; ++kw) {
      plan.taps.push_back({static_cast<std::size_t>(kh % g.stride * phase_columns + kw % g.stride),
                           kh / g.stride * plan.pitch + kw / g.stride});
    }
  }
}

std::int64_t steps_a_visit(const GradWeightPlan& plan) {
  const ConvGeometry& g = plan.g;
  if (g.co * g.ci * g.kh * g.kw * 4 <= kCachedSumsBytes) return kFewSteps;
  const std::int64_t packed = std::min<std::int64_t>(g.co, 512) + std::min<std::int64_t>(plan.channels, 512);
  return std::clamp(kPackedBytes / (packed * kStepBytes), kFewSteps, kManySteps);
}

void plan_pointwise(GradWeightPlan& plan) {
  ConvGeometry& g = plan.g;
  const std::int64_t rows = g.n * g.h * g.w, half = (rows + 1) / 2;
  plan.is_second_shorter = rows % 2 == 1;
  g.n = 2;
  g.h = g.oh = 1;
  g.w = g.ow = half;
  plan.pitch = half;
  plan.unit_rows = plan.row_units = 1;
  const std::int64_t steps = steps_a_visit(plan);
  const std::int64_t all_steps = (half + 15) / 16;
  plan.column_units = (all_steps + steps - 1) / steps;
  plan.unit_columns = (all_steps + plan.column_units - 1) / plan.column_units * 16;
  plan.column_units = (half + plan.unit_columns - 1) / plan.unit_columns;
}

void plan_rows(GradWeightPlan& plan) {
  const ConvGeometry& g = plan.g;
  const std::int64_t image_steps = (g.oh * plan.pitch + 15) / 16;
  const std::int64_t steps = steps_a_visit(plan);
  const std::int64_t wanted = std::clamp<std::int64_t>((image_steps + steps / 2) / steps, 1, g.oh);
  plan.unit_rows = (g.oh + wanted - 1) / wanted;
  plan.row_units = (g.oh + plan.unit_rows - 1) / plan.unit_rows;
  plan.column_units = 1;
  if (plan.row_units == 1) plan.units_a_visit = std::max<std::int64_t>(1, steps / image_steps);
}

}  // namespace

GradWeightPlan plan_grad_weight(const ConvGeometry& geometry) {
  GradWeightPlan plan;
  plan.g = geometry;
  const ConvGeometry& g = plan.g;
  plan.is_pointwise = g.is_pointwise() && g.stride == 1;
  plan.has_columns_as_channels = !plan.is_pointwise && g.kw > 1 && g.ci < kFewChannels;
  plan.channels = plan.has_columns_as_channels ? g.kw * g.ci : g.ci;
  plan.pitch = plan.has_columns_as_channels ? g.ow : g.ow + (g.kw - 1) / g.stride;
  if (plan.is_pointwise) {
    plan_pointwise(plan);
  } else {
    plan_rows(plan);
  }
  plan.pairs = (plan.g.n + 1) / 2;
  plan_taps(plan);
  return plan;
}

}  // namespace gyrus::backend::cpu::amx
