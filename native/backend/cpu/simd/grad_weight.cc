// The gradient of a convolution's or linear layer's weight: 2 N OH OW Co Ci KH KW operations. x is read from memory
// once for each block of output channels (384 of them for a 1x1 kernel, 128 for 3x3), dy once for each block of x's
// channels (up to 256), both while the products before them run; dw is written once. See grad_weight_plan.h. On two
// cores of Zen 5 ResNet-50's layers reach 79 % of the peak in f32, 86 % in pairs of bf16.
#include "backend/cpu/simd/grad_weight.h"

#include <array>
#include <cstdint>

#include "backend/cpu/simd/grad_weight_job.h"
#include "backend/cpu/simd/supported_targets.h"
#include "backend/cpu/simd/targets.h"
#include "backend/cpu/simd/team.h"
#include "core/error.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/simd/grad_weight.cc"
#include <hwy/foreach_target.h>
// foreach_target.h must come first.
#include "backend/cpu/simd/grad_weight_fetch-inl.h"
#include "backend/cpu/simd/grad_weight_pack-inl.h"
#include "backend/cpu/simd/grad_weight_tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gyrus::backend::cpu {
namespace HWY_NAMESPACE {

// The channels of a group in tiles of near-equal sizes: `small` of one size, then larger ones by one.
struct TileSizes {
  std::int64_t count = 0, small = 0, size = 0;
  explicit TileSizes(std::int64_t channels) {
    count = (channels + kTileRows - 1) / kTileRows;
    size = channels / count;
    small = count - channels % count;
  }
};

// The block's sums lie as [panel of outputs][group][tap][channel][panel's outputs].
template <class Number>
void add_chunk(const GradWeightPlan& plan, const SumBlock& block, const GradWeightChunk& chunk, TileOperands tile,
               Prefetcher<typename Reader<Number>::T>& next, float* sums) {
  constexpr bool kInPairs = Reader<Number>::kInPairs;
  const float *x = tile.x, *dy = tile.dy;
  const std::int64_t positions = chunk.rows.size() * chunk.columns.size();
  const std::int64_t row_floats = plan.pitch(chunk.columns.size()) * plan.pixel;
  const std::int64_t tap_columns = plan.has_columns_as_channels ? 1 : plan.g.kw;
  for (std::int64_t o = block.outputs.begin; o < block.outputs.end;) {
    const std::int64_t width = panel_columns(block.outputs.end - o), done = o - block.outputs.begin;
    tile.dy = dy + done * positions;
    for (std::int64_t i = 0; i < block.groups.size(); ++i) {
      const std::int64_t channels = plan.group_width(block.groups.begin + i);
      const TileSizes sizes(channels);
      const AddTile add_small = tile_of<kInPairs>(sizes.size, width / lanes());
      const std::int64_t large = sizes.small < sizes.count ? sizes.size + 1 : sizes.size;
      const AddTile add_large = tile_of<kInPairs>(large, width / lanes());
      float* to = sums + (done * block.groups.size() + width * i) * plan.taps * plan.group;
      for (std::int64_t kh = 0; kh < plan.g.kh; ++kh) {
        for (std::int64_t kw = 0; kw < tap_columns; ++kw, to += plan.group * width) {
          tile.x = x + i * plan.x_group_floats + kh * row_floats + kw * plan.pixel;
          float* tile_sums = to;
          for (std::int64_t t = 0; t < sizes.count; ++t) {
            const FetchRun run = next.run();
            tile.fetch = run.begin;
            tile.fetch_step = run.step;
            tile.fetch_partner = run.partner;
            const bool is_small = t < sizes.small;
            const std::int64_t size = is_small ? sizes.size : large;
            (is_small ? add_small : add_large)(tile, tile_sums);
            tile.x += size;
            tile_sums += size * width;
          }
        }
      }
    }
    o += width;
  }
}

// dw of some of a block's outputs = the total of `copies` of the block's sums. Sums of one output are a column of the
// panel's rows: they are gathered in dw's order.
void write_sums(const GradWeightJob& job, const SumBlock& block, const Range& outputs, const float* sums,
                std::int64_t copies) {
  const GradWeightPlan& plan = job.plan;
  const hn::RebindToSigned<F32> d32;
  const std::int64_t group_sums = plan.group * plan.taps, output_sums = plan.g.ci * plan.g.kh * plan.g.kw;
  const std::int64_t panel = tile_columns();
  // Some outputs of one group at a time: their sums share cache lines.
  constexpr std::int64_t kOutputsAtOnce = 16;
  for (std::int64_t begin = outputs.begin; begin < outputs.end; begin += kOutputsAtOnce) {
    const std::int64_t end = std::min(begin + kOutputsAtOnce, outputs.end);
    for (std::int64_t i = 0; i < block.groups.size(); ++i) {
      const std::int64_t group = block.groups.begin + i;
      for (std::int64_t o = begin; o < end; ++o) {
        const std::int64_t done = (o - block.outputs.begin) / panel * panel, lane = o - block.outputs.begin - done;
        const std::int64_t width = panel_columns(block.outputs.size() - done);
        const auto stride = hn::Set(d32, static_cast<std::int32_t>(width));
        const float* from = sums + (done * block.groups.size() + width * i) * group_sums + lane;
        float* to = job.dw + o * output_sums + group * group_sums;
        for_vectors({0, plan.group_width(group) * plan.taps}, [&](auto access, std::int64_t k) HWY_ATTR {
          const auto at = hn::Mul(hn::LoadU(d32, plan.sum_rows.data() + k), stride);
          Vec total = hn::GatherIndex(F32(), from, at);
          for (std::int64_t c = 1; c < copies; ++c)
            total = hn::Add(total, hn::GatherIndex(F32(), from + c * job.sum_stride(), at));
          access.write(to + k, total);
        });
      }
    }
  }
}

std::int64_t tiles_a_chunk(const GradWeightPlan& plan, const SumBlock& block) {
  const std::int64_t panel = tile_columns();
  return (block.outputs.size() + panel - 1) / panel * block.groups.size() * plan.taps * TileSizes(plan.group).count;
}

template <class Number>
void add_part_as(const GradWeightJob& job, int part) {
  const GradWeightPlan& plan = job.plan;
  const Range chunks = plan.chunk_share(part);
  float *x = job.packed_x(part), *dy = job.packed_dy(part);
  std::array<std::int64_t, GradWeightPlan::kChunkPositions> segments;
  plan.for_blocks(plan.share(part), [&](const SumBlock& block) {
    float* sums = job.sums(part) + plan.sum_offset(block);
    for (std::int64_t index = chunks.begin; index < chunks.end; ++index) {
      const GradWeightChunk chunk = chunk_at(plan, index);
      TileOperands tile{x, dy, segments.data(), 0, 0, plan.column_step * plan.pixel, index == chunks.begin, nullptr,
                        0, 0};
      pack_dy<Number>(job, chunk, block.outputs, dy);
      tile.segment_count = pack_x<Number>(job, chunk, block.groups, x, segments.data(), &tile.length);
      const bool is_last = index + 1 == chunks.end;
      Prefetcher<typename Reader<Number>::T> next(job, block, chunk_at(plan, is_last ? index : index + 1),
                                                  is_last ? 0 : tiles_a_chunk(plan, block),
                                                  chunk.rows.size() * chunk.columns.size());
      add_chunk<Number>(plan, block, chunk, tile, next, sums);
    }
    if (plan.row_parts == 1) write_sums(job, block, block.outputs, sums, 1);
  });
}

void add_part(const GradWeightJob& job, int part) {
  switch (job.operand) {
    case GradWeightOperand::f32:
      return add_part_as<float>(job, part);
    case GradWeightOperand::bf16:
      return add_part_as<bf16_t>(job, part);
    case GradWeightOperand::bf16_pair:
#if HWY_MAX_BYTES == 64
      return add_part_as<Bf16Pair>(job, part);
#else
      GYRUS_ASSERT(false);
#endif
  }
}

// Every block's outputs are divided among the threads.
void write_totals(const GradWeightJob& job, const Team& team) {
  const GradWeightPlan& plan = job.plan;
  for (int part = 0; part < plan.parts(); part += plan.row_parts) {
    plan.for_blocks(plan.share(part), [&](const SumBlock& block) {
      const Range share = team.share(block.outputs.size());
      write_sums(job, block, {block.outputs.begin + share.begin, block.outputs.begin + share.end},
                 job.sums(part) + plan.sum_offset(block), plan.row_parts);
    });
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace gyrus::backend::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gyrus::backend::cpu {
namespace {

HWY_EXPORT(add_part);
HWY_EXPORT(write_totals);

// The first half of the images, or of the positions where these have no neighbours: the others are their partners.
ConvGeometry first_of_pairs(const ConvGeometry& g) {
  ConvGeometry half = g;
  half.n = (g.n + 1) / 2;
  if (!g.is_pointwise() || g.stride != 1) return half;
  half.n = half.h = half.oh = 1;
  half.w = half.ow = (g.n * g.h * g.w + 1) / 2;
  return half;
}

class GradWeight final : public Kernel {
 public:
  GradWeight(const ConvGeometry& g, GradWeightOperand operand, int threads) {
    const std::int64_t products = g.n * g.oh * g.ow * g.co * g.ci * g.kh * g.kw;
    threads_ = useful_threads(threads, products / 8);  // eight multiply-adds take about as long as moving a byte
    const ConvGeometry planned = operand == GradWeightOperand::bf16_pair ? first_of_pairs(g) : g;
    job_.plan = plan_grad_weight(planned, threads_);
    job_.operand = operand;
    job_.x_size = g.n * g.h * g.w * g.ci;
    job_.dy_size = g.n * g.oh * g.ow * g.co;
    job_.x_partner = planned.n * planned.h * planned.w * planned.ci;
    job_.dy_partner = planned.n * planned.oh * planned.ow * planned.co;
  }

  std::int64_t scratch_bytes() const override { return job_.scratch_floats() * 4; }

  void bind(const KernelArgs& args) override {
    job_.x = args.in[0];
    job_.dy = args.in[1];
    job_.dw = static_cast<float*>(args.out[0]);
    job_.scratch = static_cast<float*>(args.scratch);
  }

  void run() override {
    run_team(threads_, [this](const Team& team) {
      const int parts = job_.plan.parts();
      for (int part = team.index; part < parts; part += team.count) HWY_DYNAMIC_DISPATCH(add_part)(job_, part);
      if (job_.plan.row_parts == 1) return;  // written block by block
      team.barrier();
      HWY_DYNAMIC_DISPATCH(write_totals)(job_, team);
    });
  }

 private:
  GradWeightJob job_;
  int threads_ = 1;
};

}  // namespace

std::unique_ptr<Kernel> make_grad_weight(const ConvGeometry& geometry, DType compute, int threads) {
  const auto operand = compute == DType::bf16 ? GradWeightOperand::bf16 : GradWeightOperand::f32;
  return std::make_unique<GradWeight>(geometry, operand, threads);
}

std::unique_ptr<Kernel> make_paired_grad_weight(const ConvGeometry& geometry, int threads) {
  GYRUS_ASSERT(has_long_vectors());
  return std::make_unique<GradWeight>(geometry, GradWeightOperand::bf16_pair, threads);
}

}  // namespace gyrus::backend::cpu
#endif
