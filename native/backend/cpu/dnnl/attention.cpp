// Each thread takes whole heads. The [T, T] matrices of a head (155 KB in f32 at T = 197) stay in its L2 cache between
// the products and the softmax: measured 3-5 times faster per head than products over the whole batch.
#include "backend/cpu/dnnl/attention.h"

#include <algorithm>
#include <exception>

#include "backend/cpu/amx/attention.h"
#include "backend/cpu/attention_geometry.h"
#include "backend/cpu/dnnl/head_product.h"
#include "backend/cpu/simd/attention.h"
#include "backend/cpu/simd/paired_attention.h"
#include "backend/cpu/simd/softmax_rows.h"
#include "backend/cpu/simd/team.h"
#include "backend/cpu/threads.h"

namespace gyrus::backend::cpu {
namespace {

MatrixLayout in_qkv(const AttentionGeometry& g) { return {g.t, g.hd(), 3 * g.d, g.dtype}; }                   // [T, hd]
MatrixLayout in_qkv_transposed(const AttentionGeometry& g) { return {g.hd(), g.t, 3 * g.d, g.dtype, true}; }  // [hd, T]
MatrixLayout in_y(const AttentionGeometry& g) { return {g.t, g.hd(), g.d, g.dtype}; }                         // [T, hd]
MatrixLayout dense(const AttentionGeometry& g, DType of) { return {g.t, g.t, g.t, of}; }                      // [T, T]
MatrixLayout dense_transposed(const AttentionGeometry& g) { return {g.t, g.t, g.t, g.dtype, true}; }

std::int64_t square_bytes(const AttentionGeometry& g, DType of) { return (g.t * g.t * size_of(of) + 63) / 64 * 64; }

// Runs body(thread, head) for all heads, each thread on its own range of them.
template <class Body>
void for_heads(const DnnlEngine& engine, std::int64_t heads, const std::string& name, const Body& body) {
  use_threads(engine.threads());
  std::vector<std::exception_ptr> failures(static_cast<std::size_t>(engine.threads()));
  run_team(engine.threads(), [&](const Team& team) {
    const auto thread = static_cast<std::size_t>(team.index);
    try {
      const Range range = team.share(heads);
      for (std::int64_t head = range.begin; head < range.end; ++head) body(thread, head);
    } catch (...) {
      failures[thread] = std::current_exception();
    }
  });
  with_dnnl_errors(name, [&] {
    for (const auto& failure : failures) {
      if (failure) std::rethrow_exception(failure);
    }
  });
}

class Attention final : public Kernel {
 public:
  Attention(std::shared_ptr<const DnnlEngine> engine, const AttentionGeometry& g, std::string name)
      : engine_(std::move(engine)),
        g_(g),
        name_(std::move(name)),
        scores_(*engine_, in_qkv(g), in_qkv_transposed(g), dense(g, DType::f32)),
        mix_(*engine_, dense(g, g.dtype), in_qkv(g), in_y(g)) {}

  std::int64_t scratch_bytes() const override { return thread_bytes() * engine_->threads(); }
  void bind(const KernelArgs& args) override;
  void run() override;

 private:
  struct Thread {
    HeadProductRunner scores, mix;
    float* square;  // [T, T] f32, where the probabilities are bf16
  };
  bool needs_square() const { return g_.dtype != DType::f32; }
  std::int64_t score_bytes() const { return needs_square() ? square_bytes(g_, DType::f32) : 0; }
  std::int64_t thread_bytes() const {
    return score_bytes() + (std::max(scores_.scratch_bytes(), mix_.scratch_bytes()) + 63) / 64 * 64;
  }

  std::shared_ptr<const DnnlEngine> engine_;
  AttentionGeometry g_;
  std::string name_;
  HeadProduct scores_, mix_;
  std::vector<Thread> threads_;
  void *qkv_ = nullptr, *y_ = nullptr, *probabilities_ = nullptr;
};

void Attention::bind(const KernelArgs& args) {
  qkv_ = args.in[0];
  y_ = args.out[0];
  probabilities_ = args.out[1];
  threads_.clear();
  with_dnnl_errors(text("binding ", name_), [&] {
    for (int i = 0; i < engine_->threads(); ++i) {
      std::byte* scratch = static_cast<std::byte*>(args.scratch) + i * thread_bytes();
      std::byte* pad = scratch + score_bytes();
      threads_.push_back({HeadProductRunner(*engine_, scores_, pad), HeadProductRunner(*engine_, mix_, pad),
                          reinterpret_cast<float*>(scratch)});
    }
  });
}

void Attention::run() {
  for_heads(*engine_, g_.n * g_.heads, name_, [&](std::size_t index, std::int64_t head) {
    Thread& thread = threads_[index];
    void* p = g_.square(probabilities_, head);
    float* s = needs_square() ? thread.square : static_cast<float*>(p);
    thread.scores.run(*engine_, g_.qkv(qkv_, head, 0), g_.qkv(qkv_, head, 1), s);
    softmax_rows(s, g_.scale(), p, g_.dtype, g_.t, g_.t);
    thread.mix.run(*engine_, p, g_.qkv(qkv_, head, 2), g_.y(y_, head));
  });
}

// With S = scale Q K^T, P = softmax(S), y = P V:
//   dV = P^T dy;  dP = dy V^T;  dS = P (dP - rowsum(P dP)) scale;  dQ = dS K;  dK = dS^T Q.
class AttentionGrad final : public Kernel {
 public:
  AttentionGrad(std::shared_ptr<const DnnlEngine> engine, const AttentionGeometry& g, std::string name)
      : engine_(std::move(engine)),
        g_(g),
        name_(std::move(name)),
        dv_(*engine_, dense_transposed(g), in_y(g), in_qkv(g)),
        dp_(*engine_, in_y(g), in_qkv_transposed(g), dense(g, DType::f32)),
        dq_(*engine_, dense(g, g.dtype), in_qkv(g), in_qkv(g)),
        dk_(*engine_, dense_transposed(g), in_qkv(g), in_qkv(g)) {}

  std::int64_t scratch_bytes() const override { return thread_bytes() * engine_->threads(); }
  void bind(const KernelArgs& args) override;
  void run() override;

 private:
  struct Thread {
    HeadProductRunner dv, dp, dq, dk;
    float* dp_square;  // [T, T] f32
    void* ds_square;   // [T, T] compute dtype; the same memory in f32
  };
  std::int64_t ds_bytes() const { return g_.dtype == DType::f32 ? 0 : square_bytes(g_, g_.dtype); }
  std::int64_t thread_bytes() const {
    const std::int64_t pad =
        std::max({dv_.scratch_bytes(), dp_.scratch_bytes(), dq_.scratch_bytes(), dk_.scratch_bytes()});
    return square_bytes(g_, DType::f32) + ds_bytes() + (pad + 63) / 64 * 64;
  }

  std::shared_ptr<const DnnlEngine> engine_;
  AttentionGeometry g_;
  std::string name_;
  HeadProduct dv_, dp_, dq_, dk_;
  std::vector<Thread> threads_;
  void *dy_ = nullptr, *qkv_ = nullptr, *probabilities_ = nullptr, *dqkv_ = nullptr;
};

void AttentionGrad::bind(const KernelArgs& args) {
  dy_ = args.in[0];
  qkv_ = args.in[1];
  probabilities_ = args.in[2];
  dqkv_ = args.out[0];
  threads_.clear();
  with_dnnl_errors(text("binding ", name_), [&] {
    for (int i = 0; i < engine_->threads(); ++i) {
      std::byte* scratch = static_cast<std::byte*>(args.scratch) + i * thread_bytes();
      std::byte* ds = ds_bytes() == 0 ? scratch : scratch + square_bytes(g_, DType::f32);
      std::byte* pad = scratch + square_bytes(g_, DType::f32) + ds_bytes();
      threads_.push_back({HeadProductRunner(*engine_, dv_, pad), HeadProductRunner(*engine_, dp_, pad),
                          HeadProductRunner(*engine_, dq_, pad), HeadProductRunner(*engine_, dk_, pad),
                          reinterpret_cast<float*>(scratch), ds});
    }
  });
}

void AttentionGrad::run() {
  for_heads(*engine_, g_.n * g_.heads, name_, [&](std::size_t index, std::int64_t head) {
    Thread& thread = threads_[index];
    const std::byte *dy = g_.y(dy_, head), *p = g_.square(probabilities_, head);
    thread.dv.run(*engine_, p, dy, g_.qkv(dqkv_, head, 2));
    thread.dp.run(*engine_, dy, g_.qkv(qkv_, head, 2), thread.dp_square);
    softmax_rows_grad(p, thread.dp_square, g_.scale(), thread.ds_square, g_.dtype, g_.t, g_.t);
    thread.dq.run(*engine_, thread.ds_square, g_.qkv(qkv_, head, 1), g_.qkv(dqkv_, head, 0));
    thread.dk.run(*engine_, thread.ds_square, g_.qkv(qkv_, head, 0), g_.qkv(dqkv_, head, 1));
  });
}

bool takes_tiled_attention(const AttentionGeometry& g) { return g.dtype == DType::f32 || widens_bf16(); }

}  // namespace

LoweredKernel make_attention(const NodeContext& node) {
  const AttentionGeometry g = attention_geometry(node, node.out_shape(0));
  if (cpu_has_amx() && amx::takes_attention(g)) return {amx::make_attention(g, node.threads), {}};
  if (takes_tiled_attention(g)) return {make_tiled_attention(g, node.threads), {}};
  if (takes_paired_attention(g)) return {make_paired_attention(g, node.threads), {}};
  return with_dnnl_errors(preparing(node), [&] {
    return LoweredKernel{std::make_unique<Attention>(node.dnnl, g, text("attention ", node.node.name)), {}};
  });
}

LoweredKernel make_attention_grad(const NodeContext& node) {
  const AttentionGeometry g = attention_geometry(node, node.in_shape(0));
  if (cpu_has_amx() && amx::takes_attention(g)) return {amx::make_attention_grad(g, node.threads), {}};
  if (takes_tiled_attention(g)) return {make_tiled_attention_grad(g, node.threads), {}};
  if (takes_paired_attention(g)) return {make_paired_attention_grad(g, node.threads), {}};
  return with_dnnl_errors(preparing(node), [&] {
    return LoweredKernel{std::make_unique<AttentionGrad>(node.dnnl, g, text("attention_grad ", node.node.name)), {}};
  });
}

}  // namespace gyrus::backend::cpu
