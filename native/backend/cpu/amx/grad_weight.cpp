#include "backend/cpu/amx/grad_weight.h"

#include <algorithm>

#include "backend/cpu/amx/grad_weight_plan.h"
#include "backend/cpu/amx/pack_pairs.h"
#include "backend/cpu/amx/pair_packer.h"
#include "backend/cpu/amx/sums.h"
#include "backend/cpu/amx/tile_ops.h"
#include "backend/cpu/simd/team.h"

namespace gyrus::backend::cpu::amx {
namespace {

// Sums beyond this many bytes are divided among the threads instead of being kept by each.
constexpr std::int64_t kSumsBytesAThread = 768 * 1024;
// Groups of 32 channels that are packed at once.
constexpr std::int64_t kGroupsAtOnce = 16;

std::int64_t round_to_page(std::int64_t bytes) { return (bytes + 4095) / 4096 * 4096; }

// Threads form a grid: `channels` ranges of output channels times `units` ranges of units, each of the latter with sums
// of its own. Few sums: every thread takes some of the units. Many: every thread takes some of the channels.
struct ThreadGrid {
  int channels = 1, units = 1;
};

ThreadGrid divide(const GradWeightPlan& plan, int threads) {
  const std::int64_t sums_bytes = plan.block_count() * kBlockBytes;
  ThreadGrid grid{1, threads};
  for (int parts = 1; parts <= std::min<std::int64_t>(threads, plan.a_groups()); ++parts) {
    if (threads % parts != 0) continue;
    grid = {parts, threads / parts};
    if (sums_bytes <= parts * kSumsBytesAThread) break;
  }
  return grid;
}

class GradWeight final : public Kernel {
 public:
  GradWeight(const ConvGeometry& geometry, int threads)
      : plan_(plan_grad_weight(geometry)), packer_(plan_), threads_(threads), grid_(divide(plan_, threads)) {}
  GradWeight(const GradWeight&) = delete;

  std::int64_t scratch_bytes() const override { return sums_bytes() * grid_.units + threads_ * thread_bytes(); }
  void bind(const KernelArgs& args) override {
    x_ = static_cast<const bf16_t*>(args.in[0]);
    dy_ = static_cast<const bf16_t*>(args.in[1]);
    dw_ = static_cast<float*>(args.out[0]);
    scratch_ = static_cast<std::byte*>(args.scratch);
  }
  void run() override {
    run_team(threads_, [this](const Team& team) {
      for (int part = team.index; part < threads_; part += team.count) add_products(part);
      team.barrier();
      if (grid_.units == 1) return;  // written by the last visits
      const Range pairs = team.share(plan_.a_groups() * plan_.b_groups());
      write_sums(plan_, {scratch_ + pairs.begin * pair_bytes(), grid_.units, sums_bytes()}, pairs, dw_);
    });
  }

 private:
  std::int64_t sums_bytes() const { return round_to_page(plan_.block_count() * kBlockBytes); }
  std::int64_t pair_bytes() const { return plan_.tap_count() * kBlockBytes; }
  std::int64_t a_groups_at_once() const { return std::min(plan_.a_groups(), kGroupsAtOnce); }
  std::int64_t b_groups_at_once() const { return std::min(plan_.b_groups(), kGroupsAtOnce); }
  std::int64_t a_bytes() const { return round_to_page(plan_.units_a_visit * packer_.a_unit_bytes(a_groups_at_once())); }
  std::int64_t b_bytes() const { return round_to_page(plan_.units_a_visit * packer_.b_unit_bytes(b_groups_at_once())); }
  std::int64_t thread_bytes() const { return a_bytes() + b_bytes() + round_to_page(packer_.row_buffer_bytes()); }

  // Groups of 32 channels of dy and of x, and units, that are packed and multiplied together.
  struct Visit {
    std::int64_t a_group = 0, a_groups = 0, b_group = 0, b_groups = 0, unit = 0, units = 0;
    bool is_first = false, is_last = false;  // of this thread's visits to the same sums
  };
  void add_products(int part) const;
  void visit(const Visit& visit, std::byte* packed, std::byte* sums) const;

  GradWeightPlan plan_;
  PairPacker packer_;
  int threads_;
  ThreadGrid grid_;
  const bf16_t *x_ = nullptr, *dy_ = nullptr;  // [N, H, W, Ci], [N, OH, OW, Co]
  float* dw_ = nullptr;                        // [Co, Ci, KH, KW]
  std::byte* scratch_ = nullptr;               // [grid_.units] sums, [threads] packed operands
};

GYRUS_AMX_TARGET void GradWeight::add_products(int part) const {
  const Range groups = share_of(plan_.a_groups(), part % grid_.channels, grid_.channels);
  const Range units = share_of(plan_.units(), part / grid_.channels, grid_.units);
  std::byte* sums = scratch_ + part / grid_.channels * sums_bytes();
  std::byte* packed = scratch_ + grid_.units * sums_bytes() + part * thread_bytes();
  const TileScope tiles;
  for (std::int64_t a = groups.begin; a < groups.end; a += kGroupsAtOnce) {
    const std::int64_t a_count = std::min(kGroupsAtOnce, groups.end - a);
    for (std::int64_t b = 0; b < plan_.b_groups(); b += kGroupsAtOnce) {
      const std::int64_t b_count = std::min(kGroupsAtOnce, plan_.b_groups() - b);
      if (units.is_empty()) visit({a, a_count, b, b_count, 0, 0, true, true}, packed, sums);
      for (std::int64_t u = units.begin; u < units.end; u += plan_.units_a_visit) {
        const std::int64_t count = std::min(plan_.units_a_visit, units.end - u);
        visit({a, a_count, b, b_count, u, count, u == units.begin, u + count == units.end}, packed, sums);
      }
    }
  }
}

// Units of one visit have the same number of steps: only the last of several row or column ranges is shorter, and then
// a visit has one unit.
GYRUS_AMX_TARGET void GradWeight::visit(const Visit& v, std::byte* packed, std::byte* sums) const {
  std::byte *a = packed, *b = packed + a_bytes(), *row_buffer = b + b_bytes();
  const std::int64_t a_unit = packer_.a_unit_bytes(v.a_groups), b_unit = packer_.b_unit_bytes(v.b_groups);
  Products products;
  products.units = v.units;
  products.a_unit_bytes = a_unit;
  products.b_unit_bytes = b_unit;
  products.is_first = v.is_first;
  for (std::int64_t u = 0; u < v.units; ++u) {
    const Unit unit = packer_.unit(v.unit + u);
    packer_.pack_a(dy_, unit, v.a_group, v.a_groups, a + u * a_unit);
    packer_.pack_b(x_, unit, v.b_group, v.b_groups, row_buffer, b + u * b_unit);
    products.steps = unit.steps;
  }
  products.a_block_bytes = packer_.a_block_bytes();
  const bool writes = v.is_last && grid_.units == 1;
  std::byte* own = sums + v.a_group * plan_.b_groups() * pair_bytes();
  for (std::int64_t i = 0; i < v.a_groups; ++i) {
    products.a = a + 2 * i * packer_.a_block_bytes();
    for (std::int64_t j = 0; j < v.b_groups; ++j) {
      const std::int64_t pair = (v.a_group + i) * plan_.b_groups() + v.b_group + j;
      // Sums that are complete after one visit never leave the cache.
      std::byte* blocks = v.is_first && writes ? own : sums + pair * pair_bytes();
      std::byte* block = blocks;
      for (const Tap& tap : plan_.taps) {
        products.b_block_bytes = packer_.b_block_bytes(tap.phase);
        products.b =
            b + packer_.b_phase_offset(tap.phase, v.b_groups) + 2 * j * products.b_block_bytes + tap.offset * kRowBytes;
        add_block(products, block);
        block += kBlockBytes;
      }
      if (writes) write_sums(plan_, {blocks, 1, 0}, {pair, pair + 1}, dw_);
    }
  }
}

}  // namespace

std::unique_ptr<Kernel> make_grad_weight(const ConvGeometry& geometry, int threads) {
  return std::make_unique<GradWeight>(geometry, threads);
}

}  // namespace gyrus::backend::cpu::amx
