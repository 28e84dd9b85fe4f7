// lars_update, in three launches:
//   norms   read parameter and gradient: 8 bytes an element, 5 operations; f32 within a thread's 64 elements, f64 above
//   rates   a warp a tensor adds its chunks
//   update  read parameter, gradient and momentum, write parameter and momentum: 20 bytes (22 with the bf16 copy), 4
//           operations
#include "backend/cuda/kernels/lars_update.h"

#include "backend/cuda/kernels/rows.h"
#include "backend/cuda/kernels/sweep_kernel.h"
#include "math/lars.h"

namespace gyrus::backend::cuda {
namespace {

// Sums of squares of a chunk: of the parameters, and of the gradients, or gradients + wd parameters.
struct ChunkSums {
  double p, d;
};
// What every element of a tensor needs.
struct Rate {
  float rate, weight_decay;
};

GYRUS_DEVICE float decay_of(const SweepChunk& chunk, const Hyper& hyper) {
  return chunk.has_weight_decay != 0 ? hyper.weight_decay : 0.0F;
}

struct LarsNorms {
  static constexpr const char* kName = "lars_update, norms";
  static constexpr int kThreads = 256;
  static constexpr bool kIsCooperative = true;
  SweepArgs args;
  bool is_solo_learn;
  ChunkSums* sums;

  GYRUS_DEVICE void operator()(const Thread& thread) const {
    const SweepChunk chunk = args.chunks[thread.block()];
    if (args.hyper->may_update == 0 || chunk.has_lars_adaptation == 0) return;
    const float weight_decay = is_solo_learn ? 0.0F : decay_of(chunk, *args.hyper);
    float p_sum = 0, d_sum = 0;
    const auto add = [&](auto n, std::int64_t at) {
      const auto p = load<n.value>(args.parameters + at), g = load<n.value>(args.gradients + at);
      for (int i = 0; i < n.value; ++i) {
        const float d = Scalar::mul_add(weight_decay, p.at[i], g.at[i]);
        p_sum = Scalar::mul_add(p.at[i], p.at[i], p_sum);
        d_sum = Scalar::mul_add(d, d, d_sum);
      }
    };
    constexpr int kWidth = kVector<float>;
    for (std::int64_t i = std::int64_t{thread.index()} * kWidth; i < chunk.count; i += kThreads * kWidth) {
      if (i + kWidth <= chunk.count) {
        add(Width<kWidth>{}, chunk.offset + i);
      } else {
        for (std::int64_t rest = i; rest < chunk.count; ++rest) add(Width<1>{}, chunk.offset + rest);
      }
    }
    const double p_total = block_sum(thread, p_sum), d_total = block_sum(thread, d_sum);
    if (thread.index() == 0) sums[thread.block()] = {p_total, d_total};
  }
};

struct LarsRates {
  static constexpr const char* kName = "lars_update, rates";
  static constexpr int kThreads = 32;
  static constexpr bool kIsCooperative = true;
  LarsUpdateArgs args;
  const ChunkSums* sums;
  Rate* rates;

  // The first chunk of a segment: they are sorted.
  GYRUS_DEVICE std::int64_t first_chunk(std::int64_t segment) const {
    std::int64_t low = 0, high = args.sweep.chunk_count;
    while (low < high) {
      const std::int64_t middle = (low + high) / 2;
      if (args.sweep.chunks[middle].segment < segment) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  GYRUS_DEVICE void operator()(const Thread& thread) const {
    const Hyper& hyper = *args.sweep.hyper;
    const std::int64_t segment = thread.block(), first = first_chunk(segment), last = first_chunk(segment + 1);
    if (hyper.may_update == 0 || first == last) return;
    const SweepChunk chunk = args.sweep.chunks[first];
    const double decay = decay_of(chunk, hyper);
    math::LarsScale scale{1, decay};
    if (chunk.has_lars_adaptation != 0) {
      double p = 0, d = 0;
      for (std::int64_t i = first + thread.lane(); i < last; i += 32) {
        p += sums[i].p;
        d += sums[i].d;
      }
      const double p_norm = math::ScalarPack<double>::sqrt(thread.warp_sum(p));
      const double d_norm = math::ScalarPack<double>::sqrt(thread.warp_sum(d));
      scale = args.is_solo_learn ? math::lars_scale_solo_learn(args.trust, decay, args.eps, args.clips,
                                                               hyper.lr * chunk.lr_scale, p_norm, d_norm)
                                 : math::lars_scale_moco_v3(args.trust, decay, p_norm, d_norm);
    }
    if (thread.lane() == 0) rates[segment] = {static_cast<float>(scale.rate), static_cast<float>(scale.weight_decay)};
  }
};

struct Lars {
  static constexpr const char* kName = "lars_update";
  float* buffer;
  const Rate* rates;
  float momentum;

  struct State {
    Rate rate;
    float lr;
  };
  GYRUS_DEVICE State prepare(const Thread&, const SweepChunk& chunk, const Hyper& hyper) const {
    return {rates[chunk.segment], hyper.lr * chunk.lr_scale};
  }
  template <int N>
  GYRUS_DEVICE Values<N> run(const State& s, std::int64_t at, const Values<N>& p, const Values<N>& g) const {
    Values<N> m = load<N>(buffer + at);
    const auto next = make_values<N>([&](int i) {
      return math::lars<Scalar>(s.lr, momentum, s.rate.rate, s.rate.weight_decay, p.at[i], g.at[i], m.at[i]);
    });
    store(buffer + at, m);
    return next;
  }
};

}  // namespace

std::int64_t lars_update_scratch_bytes(const LarsUpdateArgs& args) {
  return args.sweep.chunk_count * static_cast<std::int64_t>(sizeof(ChunkSums)) +
         args.sweep.segment_count * static_cast<std::int64_t>(sizeof(Rate));
}

void lars_update(Stream stream, const LarsUpdateArgs& args) {
  const SweepArgs& sweep = args.sweep;
  GYRUS_CHECK(sweep.slot0 != nullptr, Code::internal, "lars_update: no momentum buffer");
  auto* sums = static_cast<ChunkSums*>(sweep.scratch);
  auto* rates = reinterpret_cast<Rate*>(sums + sweep.chunk_count);
  launch(stream, {sweep.chunk_count}, LarsNorms{sweep, args.is_solo_learn, sums});
  launch(stream, {sweep.segment_count}, LarsRates{args, sums, rates});
  launch_sweep(stream, sweep, Lars{sweep.slot0, rates, args.momentum});
}

}  // namespace gyrus::backend::cuda
