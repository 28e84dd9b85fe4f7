#include "backend/cpu/simd/grad_weight_plan.h"

#include <algorithm>
#include <cmath>

namespace gyrus::backend::cpu {
namespace {

constexpr std::int64_t kGroup = 16, kPanel = 64;
// The sums of a block, and x's and dy's channels in it: with the packed operands they share an L2 cache.
constexpr std::int64_t kBlockSums = 132 * 1024, kBlockPanels = 8, kBlockChannels = 256;

std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }
std::int64_t round_up(std::int64_t a, std::int64_t b) { return divide_up(a, b) * b; }

void plan_chunks(GradWeightPlan& plan) {
  const ConvGeometry& g = plan.g;
  plan.column_parts = divide_up(g.ow, GradWeightPlan::kChunkPositions);
  plan.chunk_columns = divide_up(g.ow, plan.column_parts);
  plan.column_parts = divide_up(g.ow, plan.chunk_columns);
  plan.chunk_rows = std::min(std::max<std::int64_t>(GradWeightPlan::kChunkPositions / g.ow, 1), plan.rows());
  const std::int64_t images = (plan.chunk_rows + g.oh - 2) / g.oh + 1;  // that a chunk can touch
  const std::int64_t x_rows = plan.chunk_rows * plan.row_step + images * (g.kh - plan.row_step);
  // Groups lie some lines more than a multiple of 4 KB apart: their equal positions then use different cache sets.
  plan.x_group_floats = round_up(x_rows * plan.pitch(plan.chunk_columns) * plan.pixel, 1024) + 48;
}

// Packing an output channel is paid for by the block's channels of x, and the other way round: near-square blocks.
void plan_blocks(GradWeightPlan& plan) {
  const std::int64_t group_sums = plan.group * plan.taps;
  const std::int64_t side = std::llround(std::sqrt(static_cast<double>(kBlockSums) / static_cast<double>(plan.taps)));
  plan.output_block = kPanel * std::clamp<std::int64_t>((side + kPanel / 2) / kPanel, 1,
                                                        std::min(kBlockPanels, divide_up(plan.g.co, kPanel)));
  const std::int64_t fit = kBlockSums / (group_sums * plan.output_block);
  plan.group_block = std::min(plan.groups(), std::clamp<std::int64_t>(fit, 1, kBlockChannels / kGroup));
}

// What a grid of parts costs its busiest thread, in multiply-adds: products, packing (an element takes about as long as
// so many products), and adding up the sums where the rows are divided.
double cost_of(const GradWeightPlan& plan) {
  constexpr double kPackCost = 16, kSumCost = 24;
  const double outputs =
      static_cast<double>(std::min(plan.g.co, kPanel * divide_up(divide_up(plan.g.co, kPanel), plan.output_parts)));
  const double channels = static_cast<double>(
      std::min(plan.channels, plan.group * divide_up(plan.groups(), static_cast<std::int64_t>(plan.group_parts))));
  const double positions = static_cast<double>(divide_up(plan.chunks(), plan.row_parts) * plan.chunk_positions());
  const double taps = static_cast<double>(plan.taps);
  double cost = positions * (outputs * channels * taps + kPackCost * (outputs + channels));
  if (plan.row_parts > 1) cost += outputs * channels * taps * kSumCost * (1.0 + 1.0 / plan.row_parts);
  return cost;
}

void plan_parts(GradWeightPlan& plan, int threads) {
  GradWeightPlan trial = plan;
  double best = cost_of(plan);
  for (int outputs = 1; outputs <= threads; ++outputs) {
    for (int groups = 1; outputs * groups <= threads; ++groups) {
      trial.output_parts = outputs;
      trial.group_parts = groups;
      trial.row_parts = static_cast<int>(std::min<std::int64_t>(threads / (outputs * groups), plan.chunks()));
      const double cost = cost_of(trial);
      if (cost >= best) continue;
      best = cost;
      plan.output_parts = outputs;
      plan.group_parts = groups;
      plan.row_parts = trial.row_parts;
    }
  }
}

// Blocks of a share have near-equal sizes: the packing of one operand is paid for by the other's extent.
void balance_blocks(GradWeightPlan& plan) {
  const std::int64_t panels = divide_up(divide_up(plan.g.co, kPanel), plan.output_parts);
  plan.output_block = kPanel * divide_up(panels, divide_up(kPanel * panels, plan.output_block));
  const std::int64_t groups = divide_up(plan.groups(), plan.group_parts);
  plan.group_block = divide_up(groups, divide_up(groups, plan.group_block));
}

void list_sum_rows(GradWeightPlan& plan) {
  const ConvGeometry& g = plan.g;
  const std::int64_t count = plan.group * plan.taps, kernel = g.kh * g.kw;
  plan.sum_rows.assign(static_cast<std::size_t>(round_up(count, kGroup)), 0);
  for (std::int64_t k = 0; k < count; ++k) {
    const std::int64_t ci = k / kernel, tap = k % kernel;
    const std::int64_t row =
        plan.has_columns_as_channels ? tap / g.kw * plan.group + tap % g.kw * g.ci + ci : tap * plan.group + ci;
    plan.sum_rows[static_cast<std::size_t>(k)] = static_cast<std::int32_t>(row);
  }
}

}  // namespace

std::int64_t GradWeightPlan::sum_floats() const {
  const std::int64_t row_floats = group * taps;
  if (row_parts > 1) return round_up(g.co, kPanel) * groups() * row_floats;
  return output_block * group_block * row_floats;
}

std::int64_t GradWeightPlan::sum_offset(const SumBlock& block) const {
  if (row_parts == 1) return 0;
  const std::int64_t outputs = round_up(block.outputs.size(), kPanel);
  return (block.outputs.begin * groups() + outputs * block.groups.begin) * group * taps;
}

SumBlock GradWeightPlan::share(int part) const {
  const int index = part / row_parts;
  return {share_of(g.co, index / group_parts, output_parts, kPanel),
          share_of(groups(), index % group_parts, group_parts)};
}

Range GradWeightPlan::chunk_share(int part) const { return share_of(chunks(), part % row_parts, row_parts); }

GradWeightPlan plan_grad_weight(const ConvGeometry& geometry, int threads) {
  GradWeightPlan plan;
  plan.g = geometry;
  if (geometry.is_pointwise() && geometry.stride == 1) {
    const std::int64_t rows = geometry.n * geometry.h * geometry.w;
    plan.g = {.n = 1, .h = 1, .w = rows, .ci = geometry.ci, .oh = 1, .ow = rows, .co = geometry.co, .kh = 1, .kw = 1};
  }
  const ConvGeometry& g = plan.g;
  plan.has_columns_as_channels = g.ci < kGroup;
  plan.taps = plan.has_columns_as_channels ? g.kh : g.kh * g.kw;
  plan.channels = plan.has_columns_as_channels ? g.kw * g.ci : g.ci;
  plan.group = plan.has_columns_as_channels ? plan.channels : kGroup;
  plan.pixel = plan.has_columns_as_channels ? g.ci : kGroup;
  plan.row_step = std::min(g.stride, g.kh);
  plan.column_step = std::min(g.stride, g.kw);
  plan_chunks(plan);
  plan_blocks(plan);
  plan_parts(plan, threads);
  balance_blocks(plan);
  list_sum_rows(plan);
  return plan;
}

}  // namespace gyrus::backend::cpu
