// Each thread takes whole heads: forward 4 T^2 hd operations and T^2 exponentials a head, backward 8 T^2 hd. Rows of
// the [T, T] matrices are made and used some at a time, so that they stay in the L1 cache; qkv and dy are read once, y,
// dqkv and the probabilities written once. Numbers that lie side by side in a row of a left factor are its pairs as
// they are; right factors are packed.
#include "backend/cpu/simd/paired_attention.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "backend/cpu/simd/attention_kernel.h"
#include "backend/cpu/simd/supported_targets.h"
#include "backend/cpu/simd/targets.h"
#include "backend/cpu/simd/team.h"
#include "core/error.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/simd/paired_attention.cc"
#include <hwy/foreach_target.h>
// foreach_target.h must come first.
#include "backend/cpu/simd/head_product-inl.h"
#include "backend/cpu/simd/softmax_lines-inl.h"

#ifndef GYRUS_SIMD_PAIRED_ATTENTION_JOB
#define GYRUS_SIMD_PAIRED_ATTENTION_JOB
namespace gyrus::backend::cpu {

// Sizes count 32 bits: an f32 or a pair.
struct PairedAttentionJob : AttentionArrays {
  static std::int64_t padded(std::int64_t columns) { return (columns + 15) / 16 * 16; }
  std::int64_t pairs() const { return (g.t + 1) / 2; }  // of tokens
  // From row to row: an odd number of cache lines, so that columns spread over a cache's sets.
  std::int64_t line() const { return padded(g.t) + (padded(g.t) / 16 % 2 == 0 ? 16 : 0); }
  std::int64_t rows_size() const { return kRows * line(); }
  std::int64_t square_size() const { return pairs() * line(); }          // [T / 2, T] pairs
  std::int64_t across_size() const { return g.hd() / 2 * padded(g.t); }  // panels of [hd / 2, T] pairs
  std::int64_t along_size() const { return pairs() * padded(g.hd()); }   // panels of [T / 2, hd] pairs
  std::int64_t thread_bytes() const {
    const std::int64_t size = 2 * rows_size() + 2 * square_size() + across_size() + 3 * along_size();
    return (size * 4 + 4095) / 4096 * 4096;
  }
};

}  // namespace gyrus::backend::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace gyrus::backend::cpu {
namespace HWY_NAMESPACE {

#if HWY_MAX_BYTES == 64

// [T, hd] of one head in memory, `stride` from row to row.
struct HeadMatrix {
  bf16_t* at;
  std::int64_t rows, columns, stride;

  // Rows [begin, begin + count) as a left factor of pairs.
  HeadRows pairs(std::int64_t begin, std::int64_t count) const {
    return {reinterpret_cast<const float*>(at + begin * stride), count, stride / 2};
  }
};

HeadMatrix of_qkv(const AttentionGeometry& g, void* base, std::int64_t head, int part) {
  return {reinterpret_cast<bf16_t*>(g.qkv(base, head, part)), g.t, g.hd(), 3 * g.d};
}

HeadMatrix of_y(const AttentionGeometry& g, void* base, std::int64_t head) {
  return {reinterpret_cast<bf16_t*>(g.y(base, head)), g.t, g.hd(), g.d};
}

// x^T as a right factor: the pairs of a row lie side by side.
HeadPanels pack_pairs_across(const HeadMatrix& x, float* to) {
  return pack_across(x.pairs(0, x.rows), x.columns / 2, to);
}

// Numbers [c, c + 16) of two rows as pairs; zero beyond the last column.
HWY_INLINE Vec pair_rows(const bf16_t* first, const bf16_t* second, std::int64_t left) {
  const auto read = [left](const bf16_t* p) HWY_ATTR { return p == nullptr ? zero() : load_up_to(p, left); };
  return pair(read(first), read(second));
}

// x as a right factor: pairs are the same column of two rows that follow one another.
HeadPanels pack_along(const HeadMatrix& x, float* to) {
  const std::int64_t depth = (x.rows + 1) / 2;
  float* panel = to;
  for (std::int64_t c = 0; c < x.columns;) {
    const std::int64_t width = panel_columns(x.columns - c);
    for (std::int64_t k = 0; k < depth; ++k, panel += width) {
      const bf16_t* first = x.at + 2 * k * x.stride + c;
      const bf16_t* second = 2 * k + 1 < x.rows ? first + x.stride : nullptr;
      for (std::int64_t v = 0; v < width; v += 16)
        store(panel + v, pair_rows(first + v, second == nullptr ? second : second + v, x.columns - c - v));
    }
    c += width;
  }
  return {to, depth, x.columns};
}

// One thread's memory.
struct PairedWorker {
  PairedWorker(const PairedAttentionJob& attention, const Team& team) : job(attention) {
    auto* memory = reinterpret_cast<float*>(job.scratch + team.index * job.thread_bytes());
    const auto take = [&memory](std::int64_t size) { return std::exchange(memory, memory + size); };
    scores = take(job.rows_size());
    rows = take(job.rows_size());
    for (float*& square : squares) square = take(job.square_size());
    across = take(job.across_size());
    for (float*& one : along) one = take(job.along_size());
  }

  // Some rows of a [T, T] matrix of bf16 as a left factor: zero beyond the last column, which may be half of a pair.
  HeadRows row_pairs(std::int64_t count) const { return {rows, count, job.line()}; }
  bf16_t* row(std::int64_t index) const { return reinterpret_cast<bf16_t*>(rows + index * job.line()); }

  const PairedAttentionJob& job;
  float *scores, *rows;  // [kRows, T]: f32, and bf16
  float* squares[2];     // [T / 2, T] pairs
  float *across, *along[3];
};

// S = Q K^T, P = softmax(scale S), y = P V.
void attend(const PairedWorker& w, std::int64_t head) {
  const PairedAttentionJob& job = w.job;
  const AttentionGeometry& g = job.g;
  const HeadPanels k = pack_pairs_across(of_qkv(g, job.qkv, head, 1), w.across);
  const HeadPanels v = pack_along(of_qkv(g, job.qkv, head, 2), w.along[0]);
  const HeadMatrix q = of_qkv(g, job.qkv, head, 0), y = of_y(g, job.y, head);
  bf16_t* p = reinterpret_cast<bf16_t*>(g.square(job.probabilities, head));
  job.for_some_rows([&](std::int64_t begin, std::int64_t count) HWY_ATTR {
    multiply_head<true>(q.pairs(begin, count), k, w.scores, job.line());
    softmax_all(w.scores, job.line(), count, g.t, g.scale(), [&](std::int64_t r) HWY_ATTR {
      return Bf16Row{w.row(r), p + (begin + r) * g.t};
    });
    multiply_head<true>(w.row_pairs(count), v, y.at + begin * y.stride, y.stride);
  });
}

// Two rows of [T, T] after another as one of pairs; `second` may be null.
void pair_lines(const bf16_t* first, const bf16_t* second, std::int64_t columns, float* to) {
  for (std::int64_t c = 0; c < columns; c += 16)
    store(to + c, pair_rows(first + c, second == nullptr ? second : second + c, columns - c));
}

// dP = dy V^T; dS = scale P (dP - rowsum(P dP)); dQ = dS K; dK = dS^T Q; dV = P^T dy.
void attend_back(const PairedWorker& w, std::int64_t head) {
  const PairedAttentionJob& job = w.job;
  const AttentionGeometry& g = job.g;
  const HeadMatrix dy = of_y(g, job.y, head);
  const HeadPanels v = pack_pairs_across(of_qkv(g, job.qkv, head, 2), w.across);
  const HeadPanels k = pack_along(of_qkv(g, job.qkv, head, 1), w.along[0]);
  const HeadPanels q = pack_along(of_qkv(g, job.qkv, head, 0), w.along[1]);
  const HeadPanels dy_panels = pack_along(dy, w.along[2]);
  const HeadMatrix dq = of_qkv(g, job.dqkv, head, 0), dk = of_qkv(g, job.dqkv, head, 1),
                   dv = of_qkv(g, job.dqkv, head, 2);
  const bf16_t* p = reinterpret_cast<const bf16_t*>(g.square(job.probabilities, head));
  job.for_some_rows([&](std::int64_t begin, std::int64_t count) HWY_ATTR {
    multiply_head<true>(dy.pairs(begin, count), v, w.scores, job.line());
    softmax_grad_all(p + begin * g.t, g.t, w.scores, job.line(), count, g.t, g.scale(), [&](std::int64_t r) HWY_ATTR {
      return Bf16Row{w.row(r), nullptr};
    });
    multiply_head<true>(w.row_pairs(count), k, dq.at + begin * dq.stride, dq.stride);
    for (std::int64_t r = 0; r < count; r += 2) {
      const std::int64_t pair = (begin + r) / 2 * job.line();
      const bf16_t* row = p + (begin + r) * g.t;
      const bool has_second = r + 1 < count;
      pair_lines(w.row(r), has_second ? w.row(r + 1) : nullptr, g.t, w.squares[0] + pair);
      pair_lines(row, has_second ? row + g.t : nullptr, g.t, w.squares[1] + pair);
    }
  });
  multiply_head<true>({w.squares[0], g.t, 1, job.line()}, q, dk.at, dk.stride);
  multiply_head<true>({w.squares[1], g.t, 1, job.line()}, dy_panels, dv.at, dv.stride);
}

#endif

void run_heads(const PairedAttentionJob& job, const Team& team) {
#if HWY_MAX_BYTES == 64
  const PairedWorker worker(job, team);
  const Range heads = team.share(job.g.n * job.g.heads);
  for (std::int64_t head = heads.begin; head < heads.end; ++head)
    job.is_gradient ? attend_back(worker, head) : attend(worker, head);
#else
  (void)job, (void)team;
  GYRUS_ASSERT(false);
#endif
}

}  // namespace HWY_NAMESPACE
}  // namespace gyrus::backend::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gyrus::backend::cpu {
namespace {

HWY_EXPORT(run_heads);

void dispatch(const PairedAttentionJob& job, const Team& team) { HWY_DYNAMIC_DISPATCH(run_heads)(job, team); }

std::unique_ptr<Kernel> make(const AttentionGeometry& geometry, bool is_gradient, int threads) {
  GYRUS_ASSERT(takes_paired_attention(geometry));
  return std::make_unique<AttentionKernel<PairedAttentionJob>>(geometry, is_gradient, threads, dispatch);
}

}  // namespace

bool takes_paired_attention(const AttentionGeometry& geometry) {
  return geometry.dtype == DType::bf16 && geometry.hd() % 2 == 0 && has_long_vectors();
}

std::unique_ptr<Kernel> make_paired_attention(const AttentionGeometry& geometry, int threads) {
  return make(geometry, false, threads);
}

std::unique_ptr<Kernel> make_paired_attention_grad(const AttentionGeometry& geometry, int threads) {
  return make(geometry, true, threads);
}

}  // namespace gyrus::backend::cpu
#endif
