// Each thread takes whole heads: forward 4 T^2 hd operations and T^2 exponentials a head, backward 8 T^2 hd; qkv and dy
// are read once, y, dqkv and the probabilities written once. Rows of the [T, T] matrices are made and used some at a
// time, while they are in the L1 cache; the gradient's stay in L2. bf16 is widened on the way.
#include "backend/cpu/simd/attention.h"

#include <algorithm>
#include <cstddef>

#include "backend/cpu/simd/attention_kernel.h"
#include "backend/cpu/simd/targets.h"
#include "backend/cpu/simd/team.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/simd/attention.cc"
#include <hwy/foreach_target.h>
// foreach_target.h must come first.
#include "backend/cpu/simd/columns-inl.h"
#include "backend/cpu/simd/head_product-inl.h"
#include "backend/cpu/simd/softmax_lines-inl.h"

#ifndef GYRUS_SIMD_ATTENTION_JOB
#define GYRUS_SIMD_ATTENTION_JOB
namespace gyrus::backend::cpu {

struct AttentionJob : AttentionArrays {
  // A panel has at most 64 columns. Rows are an odd number of cache lines, so that columns spread over the cache's
  // sets.
  static constexpr std::int64_t kWidest = 64;
  static std::int64_t padded(std::int64_t columns) { return (columns + kWidest - 1) / kWidest * kWidest; }
  std::int64_t line() const { return padded(g.t) + 16; }    // of a [T, T] matrix
  std::int64_t row() const { return padded(g.hd()) + 16; }  // of a [T, hd] matrix
  std::int64_t square() const { return g.t * line(); }      // floats
  std::int64_t operand() const { return std::max(g.t * row(), padded(g.t) * g.hd()); }
  std::int64_t floats() const { return 2 * square() + 4 * operand(); }
  std::int64_t thread_bytes() const { return (floats() * 4 + 4095) / 4096 * 4096; }
};

}  // namespace gyrus::backend::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace gyrus::backend::cpu {
namespace HWY_NAMESPACE {

// A matrix of one head in memory: `rows` rows of `columns` numbers, `stride` from row to row.
template <class T>
struct Matrix {
  T* at;
  std::int64_t rows, columns, stride;
};

template <class T>
Matrix<const float> widened(const Matrix<const T>& x, float* to, std::int64_t stride) {
  for (std::int64_t r = 0; r < x.rows; ++r) widen(x.at + r * x.stride, x.columns, to + r * stride);
  return {to, x.rows, x.columns, stride};
}

// x as the right factor of z x.
template <class T>
HeadPanels pack_columns(const Matrix<const T>& x, float* to) {
  float* panel = to;
  for (std::int64_t c = 0; c < x.columns;) {
    const std::int64_t width = panel_columns(x.columns - c), count = std::min(width, x.columns - c);
    for (std::int64_t r = 0; r < x.rows; ++r, panel += width) {
      widen(x.at + r * x.stride + c, count, panel);
      std::fill(panel + count, panel + width, 0.0F);
    }
    c += width;
  }
  return {to, x.rows, x.columns};
}

// One thread's memory.
struct HeadWorker {
  HeadWorker(const AttentionJob& attention, const Team& team) : job(attention) {
    first = reinterpret_cast<float*>(job.scratch + team.index * job.thread_bytes());
    second = first + job.square();
    for (int i = 0; i < 4; ++i) operands[i] = second + job.square() + i * job.operand();
  }

  const AttentionJob& job;
  float *first, *second;  // [T, T]
  float* operands[4];     // [T, hd], or panels of it
};

// Rows [begin, begin + count) of x as a left factor; all columns as its rows.
inline HeadRows rows_of(const Matrix<const float>& x, std::int64_t begin, std::int64_t count) {
  return {x.at + begin * x.stride, count, x.stride};
}
inline HeadRows transposed(const Matrix<const float>& x) { return {x.at, x.columns, 1, x.stride}; }

template <class T>
Matrix<T> of_qkv(const AttentionJob& job, void* base, std::int64_t head, int part) {
  return {reinterpret_cast<T*>(job.g.qkv(base, head, part)), job.g.t, job.g.hd(), 3 * job.g.d};
}

// f32 rows are used where they lie.
template <class T>
Matrix<const float> as_floats(const Matrix<const T>& x, float* to, std::int64_t stride) {
  if constexpr (std::is_same_v<T, float>) {
    return x;
  } else {
    return widened(x, to, stride);
  }
}

// S = Q K^T, P = softmax(scale S), y = P V.
template <class T>
void attend(const HeadWorker& w, std::int64_t head) {
  const AttentionJob& job = w.job;
  const AttentionGeometry& g = job.g;
  const Matrix<const float> k = as_floats(of_qkv<const T>(job, job.qkv, head, 1), w.operands[0], job.row());
  const HeadPanels k_panels = pack_across(rows_of(k, 0, g.t), g.hd(), w.operands[1]);
  const HeadPanels v_panels = pack_columns(of_qkv<const T>(job, job.qkv, head, 2), w.operands[3]);
  const Matrix<const float> q = as_floats(of_qkv<const T>(job, job.qkv, head, 0), w.operands[2], job.row());
  T* const p = reinterpret_cast<T*>(g.square(job.probabilities, head));
  T* const y = reinterpret_cast<T*>(g.y(job.y, head));
  job.for_some_rows([&](std::int64_t begin, std::int64_t count) HWY_ATTR {
    multiply_head<false>(rows_of(q, begin, count), k_panels, w.first, job.line());
    T* const some = p + begin * g.t;
    softmax_all(w.first, job.line(), count, g.t, g.scale(),
                [&](std::int64_t r) HWY_ATTR { return MemoryRow<T>{some + r * g.t}; });
    const Matrix<const float> rows = as_floats(Matrix<const T>{some, count, g.t, g.t}, w.first, job.line());
    multiply_head<false>(rows_of(rows, 0, count), v_panels, y + begin * g.d, g.d);
  });
}

// dP = dy V^T; dS = scale P (dP - rowsum(P dP)); dQ = dS K; dK = dS^T Q; dV = P^T dy.
template <class T>
void attend_back(const HeadWorker& w, std::int64_t head) {
  const AttentionJob& job = w.job;
  const AttentionGeometry& g = job.g;
  const Matrix<const T> dy{reinterpret_cast<const T*>(g.y(job.y, head)), g.t, g.hd(), g.d};
  const Matrix<const float> v = as_floats(of_qkv<const T>(job, job.qkv, head, 2), w.operands[0], job.row());
  const HeadPanels v_panels = pack_across(rows_of(v, 0, g.t), g.hd(), w.operands[1]);
  const HeadPanels k_panels = pack_columns(of_qkv<const T>(job, job.qkv, head, 1), w.operands[3]);
  const Matrix<const float> wide_dy = as_floats(dy, w.operands[2], job.row());
  const T* p = reinterpret_cast<const T*>(g.square(job.probabilities, head));
  const Matrix<const float> wide = as_floats(Matrix<const T>{p, g.t, g.t, g.t}, w.second, job.line());
  const Matrix<T> dq = of_qkv<T>(job, job.dqkv, head, 0);
  job.for_some_rows([&](std::int64_t begin, std::int64_t count) HWY_ATTR {
    float* const some = w.first + begin * job.line();
    multiply_head<false>(rows_of(wide_dy, begin, count), v_panels, some, job.line());
    softmax_grad_all(wide.at + begin * wide.stride, wide.stride, some, job.line(), count, g.t, g.scale(),
                     [&](std::int64_t r) HWY_ATTR { return PaddedRow{some + r * job.line()}; });
    multiply_head<false>({some, count, job.line()}, k_panels, dq.at + begin * dq.stride, dq.stride);
  });
  const Matrix<T> dk = of_qkv<T>(job, job.dqkv, head, 1), dv = of_qkv<T>(job, job.dqkv, head, 2);
  const HeadPanels q_panels = pack_columns(of_qkv<const T>(job, job.qkv, head, 0), w.operands[1]);
  multiply_head<false>(transposed({w.first, g.t, g.t, job.line()}), q_panels, dk.at, dk.stride);
  const HeadPanels dy_panels = pack_columns(dy, w.operands[3]);
  multiply_head<false>(transposed(wide), dy_panels, dv.at, dv.stride);
}

template <class T>
void run_heads_as(const AttentionJob& job, const Team& team) {
  const HeadWorker worker(job, team);
  const Range heads = team.share(job.g.n * job.g.heads);
  for (std::int64_t head = heads.begin; head < heads.end; ++head)
    job.is_gradient ? attend_back<T>(worker, head) : attend<T>(worker, head);
}

void run_heads(const AttentionJob& job, const Team& team) {
  job.g.dtype == DType::bf16 ? run_heads_as<bf16_t>(job, team) : run_heads_as<float>(job, team);
}

}  // namespace HWY_NAMESPACE
}  // namespace gyrus::backend::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gyrus::backend::cpu {
namespace {

HWY_EXPORT(run_heads);

void dispatch(const AttentionJob& job, const Team& team) { HWY_DYNAMIC_DISPATCH(run_heads)(job, team); }

}  // namespace

std::unique_ptr<Kernel> make_tiled_attention(const AttentionGeometry& geometry, int threads) {
  return std::make_unique<AttentionKernel<AttentionJob>>(geometry, false, threads, dispatch);
}

std::unique_ptr<Kernel> make_tiled_attention_grad(const AttentionGeometry& geometry, int threads) {
  return std::make_unique<AttentionKernel<AttentionJob>>(geometry, true, threads, dispatch);
}

}  // namespace gyrus::backend::cpu
#endif
