// Each thread takes whole heads, whose [T, T] matrices stay in its L2 cache: forward 4 T^2 hd operations and T^2
// exponentials a head, backward 8 T^2 hd; qkv and dy are read once, y, dqkv and the probabilities written once. Right
// factors are packed into panels of columns, bf16 is widened on the way.
#include "backend/cpu/simd/attention.h"

#include <algorithm>
#include <cstddef>

#include "backend/cpu/simd/softmax_rows.h"
#include "backend/cpu/simd/targets.h"
#include "backend/cpu/simd/team.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/simd/attention.cc"
#include <hwy/foreach_target.h>
// foreach_target.h must come first.
#include "backend/cpu/simd/columns-inl.h"
#include "backend/cpu/simd/register_tile-inl.h"

#ifndef GYRUS_SIMD_ATTENTION_JOB
#define GYRUS_SIMD_ATTENTION_JOB
namespace gyrus::backend::cpu {

struct AttentionJob {
  AttentionGeometry g;
  void *qkv = nullptr, *y = nullptr, *probabilities = nullptr;  // y is dy in the gradient
  void* dqkv = nullptr;
  std::byte* scratch = nullptr;

  // A panel has at most 64 columns. Rows are an odd number of cache lines, so that columns spread over the cache's
  // sets.
  static constexpr std::int64_t kWidest = 64;
  static std::int64_t padded(std::int64_t columns) { return (columns + kWidest - 1) / kWidest * kWidest; }
  std::int64_t line() const { return padded(g.t) + 16; }    // of a [T, T] matrix
  std::int64_t row() const { return padded(g.hd()) + 16; }  // of a [T, hd] matrix
  std::int64_t square() const { return g.t * line(); }      // floats
  std::int64_t operand() const { return std::max(g.t * row(), padded(g.t) * g.hd()); }
  std::int64_t floats() const { return 2 * square() + 4 * operand(); }
  std::int64_t table_bytes() const { return (g.t * 8 + 63) / 64 * 64; }
  std::int64_t thread_bytes() const { return (table_bytes() + floats() * 4 + 4095) / 4096 * 4096; }
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

// x as the right factor of z x: panels [columns / width][rows][width], the last filled up with zeros.
template <class T>
const float* pack_columns(const Matrix<const T>& x, float* to) {
  const std::int64_t width = tile_columns();
  float* panel = to;
  for (std::int64_t c = 0; c < x.columns; c += width) {
    const std::int64_t count = std::min(width, x.columns - c);
    for (std::int64_t r = 0; r < x.rows; ++r, panel += width) {
      widen(x.at + r * x.stride + c, count, panel);
      std::fill(panel + count, panel + width, 0.0F);
    }
  }
  return to;
}

// x as the right factor of z x^T: panels [rows / width][columns][width].
inline const float* pack_rows(const Matrix<const float>& x, float* to) {
  const hn::RebindToSigned<F32> d32;
  const auto index = hn::Mul(hn::Iota(d32, 0), hn::Set(d32, static_cast<std::int32_t>(x.stride)));
  const std::int64_t width = tile_columns(), step = lanes();
  float* panel = to;
  for (std::int64_t r = 0; r < x.rows; r += width) {
    for (std::int64_t c = 0; c < x.columns; ++c, panel += width) {
      for (std::int64_t v = 0; v < width; v += step) {
        const float* from = x.at + (r + v) * x.stride + c;
        if (r + v + step <= x.rows) {
          store(panel + v, hn::GatherIndex(F32(), from, index));
        } else {
          for (std::int64_t i = 0; i < step; ++i) panel[v + i] = r + v + i < x.rows ? from[i * x.stride] : 0.0F;
        }
      }
    }
  }
  return to;
}

// Writes a finished tile into rows of T; columns beyond `columns` are left alone.
template <class T>
struct WriteTile {
  T* y;
  std::int64_t columns, stride;
  HWY_INLINE void expect(std::int64_t /*row*/) const {}
  template <int kRows>
  HWY_INLINE void operator()(const RegisterTile<kRows>& tile, std::int64_t row) const {
    for (int v = 0; v < kTileVectors; ++v) {
      const std::int64_t column = v * lanes(), left = columns - column;
      for (int r = 0; r < kRows && left > 0; ++r) {
        T* to = y + (row + r) * stride + column;
        left >= lanes() ? store(to, tile.sums[r][v]) : store_some(to, tile.sums[r][v], left);
      }
    }
  }
};

// One thread's memory, and the products that all heads are made of.
struct HeadWorker {
  HeadWorker(const AttentionJob& attention, const Team& team) : job(attention) {
    std::byte* memory = job.scratch + team.index * job.thread_bytes();
    table = reinterpret_cast<const float**>(memory);
    first = reinterpret_cast<float*>(memory + job.table_bytes());
    second = first + job.square();
    for (int i = 0; i < 4; ++i) operands[i] = second + job.square() + i * job.operand();
  }

  // to [rows, columns] = rows of x times packed panels; with `is_transposed` the columns of x are its rows.
  template <class T>
  void multiply(const Matrix<const float>& x, bool is_transposed, const float* panels, const Matrix<T>& to) const {
    const std::int64_t run = is_transposed ? x.rows : x.columns, width = tile_columns();
    const Window window{1, run, 0, is_transposed ? x.stride : 1};
    for (std::int64_t r = 0; r < to.rows; ++r) table[r] = x.at + (is_transposed ? r : r * x.stride);
    for (std::int64_t c = 0; c < to.columns; c += width, panels += run * width) {
      const WriteTile<T> write{to.at + c, std::min(width, to.columns - c), to.stride};
      multiply_last_part(table, to.rows, 0, window, panels, nullptr, write);
    }
  }

  const AttentionJob& job;
  const float** table;
  float *first, *second;  // [T, T]
  float* operands[4];     // [T, hd], or panels of it
};

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
  const float* k_panels = pack_rows(k, w.operands[1]);
  const Matrix<const float> q = as_floats(of_qkv<const T>(job, job.qkv, head, 0), w.operands[2], job.row());
  const Matrix<float> scores{w.first, g.t, g.t, job.line()};
  w.multiply(q, false, k_panels, scores);
  T* p = reinterpret_cast<T*>(g.square(job.probabilities, head));
  for (std::int64_t r = 0; r < g.t; ++r) {
    softmax_rows(w.first + r * job.line(), g.scale(), p + r * g.t, g.dtype, 1, g.t);
  }
  const Matrix<const float> rows = as_floats(Matrix<const T>{p, g.t, g.t, g.t}, w.first, job.line());
  const float* v_panels = pack_columns(of_qkv<const T>(job, job.qkv, head, 2), w.operands[3]);
  const Matrix<T> y{reinterpret_cast<T*>(g.y(job.y, head)), g.t, g.hd(), g.d};
  w.multiply(rows, false, v_panels, y);
}

// dP = dy V^T; dS = scale P (dP - rowsum(P dP)); dQ = dS K; dK = dS^T Q; dV = P^T dy.
template <class T>
void attend_back(const HeadWorker& w, std::int64_t head) {
  const AttentionJob& job = w.job;
  const AttentionGeometry& g = job.g;
  const Matrix<const T> dy{reinterpret_cast<const T*>(g.y(job.y, head)), g.t, g.hd(), g.d};
  const Matrix<const float> v = as_floats(of_qkv<const T>(job, job.qkv, head, 2), w.operands[0], job.row());
  const float* v_panels = pack_rows(v, w.operands[1]);
  w.multiply(as_floats(dy, w.operands[2], job.row()), false, v_panels, Matrix<float>{w.first, g.t, g.t, job.line()});
  const T* p = reinterpret_cast<const T*>(g.square(job.probabilities, head));
  const Matrix<const float> wide = as_floats(Matrix<const T>{p, g.t, g.t, g.t}, w.second, job.line());
  for (std::int64_t r = 0; r < g.t; ++r) {
    float* row = w.first + r * job.line();
    softmax_rows_grad(wide.at + r * wide.stride, row, g.scale(), row, DType::f32, 1, g.t);
  }
  const Matrix<const float> ds{w.first, g.t, g.t, job.line()};
  const float* k_panels = pack_columns(of_qkv<const T>(job, job.qkv, head, 1), w.operands[0]);
  w.multiply(ds, false, k_panels, of_qkv<T>(job, job.dqkv, head, 0));
  const float* q_panels = pack_columns(of_qkv<const T>(job, job.qkv, head, 0), w.operands[1]);
  w.multiply(ds, true, q_panels, of_qkv<T>(job, job.dqkv, head, 1));
  const float* dy_panels = pack_columns(dy, w.operands[3]);
  w.multiply(wide, true, dy_panels, of_qkv<T>(job, job.dqkv, head, 2));
}

void attention(const AttentionJob& job, const Team& team) {
  const HeadWorker worker(job, team);
  const Range heads = team.share(job.g.n * job.g.heads);
  for (std::int64_t head = heads.begin; head < heads.end; ++head) {
    job.g.dtype == DType::bf16 ? attend<bf16_t>(worker, head) : attend<float>(worker, head);
  }
}

void attention_grad(const AttentionJob& job, const Team& team) {
  const HeadWorker worker(job, team);
  const Range heads = team.share(job.g.n * job.g.heads);
  for (std::int64_t head = heads.begin; head < heads.end; ++head) {
    job.g.dtype == DType::bf16 ? attend_back<bf16_t>(worker, head) : attend_back<float>(worker, head);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace gyrus::backend::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gyrus::backend::cpu {
namespace {

HWY_EXPORT(attention);
HWY_EXPORT(attention_grad);

class TiledAttention : public Kernel {
 public:
  TiledAttention(const AttentionGeometry& geometry, int threads) : job_{.g = geometry}, threads_(threads) {}
  std::int64_t scratch_bytes() const override { return job_.thread_bytes() * threads_; }
  void bind(const KernelArgs& args) override {
    job_.qkv = args.in[0];
    job_.y = args.out[0];
    job_.probabilities = args.out[1];
    job_.scratch = static_cast<std::byte*>(args.scratch);
  }
  void run() override {
    run_team(threads_, [this](const Team& team) { HWY_DYNAMIC_DISPATCH(attention)(job_, team); });
  }

 protected:
  AttentionJob job_;
  int threads_;
};

class TiledAttentionGrad final : public TiledAttention {
 public:
  using TiledAttention::TiledAttention;
  void bind(const KernelArgs& args) override {
    job_.y = args.in[0];
    job_.qkv = args.in[1];
    job_.probabilities = args.in[2];
    job_.dqkv = args.out[0];
    job_.scratch = static_cast<std::byte*>(args.scratch);
  }
  void run() override {
    run_team(threads_, [this](const Team& team) { HWY_DYNAMIC_DISPATCH(attention_grad)(job_, team); });
  }
};

}  // namespace

std::unique_ptr<Kernel> make_tiled_attention(const AttentionGeometry& geometry, int threads) {
  return std::make_unique<TiledAttention>(geometry, threads);
}

std::unique_ptr<Kernel> make_tiled_attention_grad(const AttentionGeometry& geometry, int threads) {
  return std::make_unique<TiledAttentionGrad>(geometry, threads);
}

}  // namespace gyrus::backend::cpu
#endif
