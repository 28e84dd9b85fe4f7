#include "backend/cpu/amx/attention.h"

#include <algorithm>
#include <cstring>

#include "backend/cpu/amx/head_operands.h"
#include "backend/cpu/amx/head_softmax.h"
#include "backend/cpu/simd/team.h"

namespace gyrus::backend::cpu::amx {
namespace {

constexpr std::int64_t kBlock = 32;  // rows that are worked on at once

// Hands out parts of a thread's scratch memory; counts them when there is none yet.
class Carver {
 public:
  explicit Carver(std::byte* memory) : memory_(memory) {}
  template <class T>
  T* take(std::int64_t bytes) {
    std::byte* part = memory_ == nullptr ? nullptr : memory_ + used_;
    // Odd multiples of the cache line: arrays of equal size do not fall on the same lines of a cache.
    used_ += (bytes + 63) / 64 * 64 + 64;
    return reinterpret_cast<T*>(part);
  }
  std::int64_t used() const { return used_; }

 private:
  std::byte* memory_;
  std::int64_t used_ = 0;
};

// What all heads share.
class HeadKernel : public Kernel {
 public:
  HeadKernel(const AttentionGeometry& g, int threads) : g_(g), threads_(threads), padded_(round_to_32(g.t)) {}

 protected:
  TokenRows rows_of(const std::byte* at, std::int64_t stride) const {
    return {reinterpret_cast<const bf16_t*>(at), g_.t, g_.hd(), stride};
  }
  TokenRows part(void* qkv, std::int64_t head, int part) const { return rows_of(g_.qkv(qkv, head, part), 3 * g_.d); }
  std::int64_t head_bytes() const { return operand_bytes(g_.t, g_.hd()); }
  std::int64_t square_bytes() const { return operand_bytes(g_.t, g_.t); }
  std::int64_t rows_in(std::int64_t block) const { return std::min(kBlock, g_.t - block * kBlock); }
  std::int64_t blocks() const { return padded_ / kBlock; }
  ScoreRows score_rows(std::int64_t block) const { return {rows_in(block), g_.t, padded_}; }

  // scores [32][padded] f32 = rows of `block` times columns^T.
  GYRUS_AMX_TARGET void multiply_scores(const std::byte* rows, const std::byte* columns, std::int64_t block,
                                        float* scores) const {
    const Operand a = rows_operand(rows, g_.hd() * 2, block);
    for (std::int64_t j = 0; j < blocks(); ++j) {
      multiply(a, columns_operand(columns, g_.hd(), j), g_.hd() / 32,
               {reinterpret_cast<std::byte*>(scores + j * kBlock), 16 * padded_ * 4, kRowBytes, padded_ * 4});
    }
  }

  // Rows of `block` of out [T, hd] = local [32][padded] times a matrix in pairs.
  GYRUS_AMX_TARGET void multiply_local(const bf16_t* local, const std::byte* pairs, std::int64_t block, std::byte* out,
                                       std::int64_t stride) const {
    alignas(64) std::byte tiles[4 * kTileBytes];
    auto* row = reinterpret_cast<bf16_t*>(out) + block * kBlock * stride;
    const Operand a = rows_operand(reinterpret_cast<const std::byte*>(local), padded_ * 2, 0);
    for (std::int64_t c = 0; c < g_.hd() / 32; ++c) {
      multiply(a, pairs_operand(pairs, padded_, c), padded_ / 32, {tiles, 2 * kTileBytes, kTileBytes, kRowBytes});
      write_even_odd(tiles, std::min<std::int64_t>(rows_in(block), 16), row + c * 32, stride);
      write_even_odd(tiles + 2 * kTileBytes, std::max<std::int64_t>(rows_in(block) - 16, 0), row + c * 32 + 16 * stride,
                     stride);
    }
  }

  AttentionGeometry g_;
  int threads_;
  std::int64_t padded_;  // T rounded up to a multiple of 32
};

// S = scale Q K^T, P = softmax(S), y = P V, in blocks of 32 rows of Q.
class Attention final : public HeadKernel {
 public:
  using HeadKernel::HeadKernel;
  std::int64_t scratch_bytes() const override { return threads_ * thread_bytes(); }
  void bind(const KernelArgs& args) override {
    qkv_ = args.in[0];
    y_ = args.out[0];
    probabilities_ = args.out[1];
    scratch_ = static_cast<std::byte*>(args.scratch);
  }
  void run() override {
    run_team(threads_, [this](const Team& team) {
      const TileScope tiles;
      const Buffers buffers = carve(scratch_ + team.index * thread_bytes()).first;
      const Range heads = team.share(g_.n * g_.heads);
      for (std::int64_t head = heads.begin; head < heads.end; ++head) run_head(head, buffers);
    });
  }

 private:
  struct Buffers {
    std::byte *q = nullptr, *k = nullptr, *v = nullptr;  // rows; columns; pairs
    float* scores = nullptr;                             // [32][padded]
    bf16_t* local = nullptr;                             // [32][padded] probabilities
  };
  std::pair<Buffers, std::int64_t> carve(std::byte* memory) const {
    Carver carver(memory);
    Buffers b;
    b.q = carver.take<std::byte>(head_bytes());
    b.k = carver.take<std::byte>(head_bytes());
    b.v = carver.take<std::byte>(head_bytes());
    b.scores = carver.take<float>(kBlock * padded_ * 4);
    b.local = carver.take<bf16_t>(kBlock * padded_ * 2);
    return {b, carver.used()};
  }
  std::int64_t thread_bytes() const { return carve(nullptr).second; }
  void run_head(std::int64_t head, const Buffers& b) const;

  void *qkv_ = nullptr, *y_ = nullptr, *probabilities_ = nullptr;
  std::byte* scratch_ = nullptr;
};

void Attention::run_head(std::int64_t head, const Buffers& b) const {
  copy_rows(part(qkv_, head, 1), b.q);  // K, on its way to k
  transpose_rows(b.q, padded_, g_.hd(), b.k);
  copy_rows(part(qkv_, head, 0), b.q);
  pair_tokens(part(qkv_, head, 2), b.v);
  auto* p = reinterpret_cast<bf16_t*>(g_.square(probabilities_, head));
  for (std::int64_t block = 0; block < blocks(); ++block) {
    multiply_scores(b.q, b.k, block, b.scores);
    softmax_block(b.scores, g_.scale(), score_rows(block), p + block * kBlock * g_.t, b.local);
    multiply_local(b.local, b.v, block, g_.y(y_, head), g_.d);
  }
}

// dP = dy V^T, dS = scale P (dP - rowsum(P dP)), dQ = dS K in blocks of 32 rows; then dV^T = dy^T P and dK^T = Q^T dS,
// transposed because P and dS become right operands more cheaply than left ones.
class AttentionGrad final : public HeadKernel {
 public:
  using HeadKernel::HeadKernel;
  std::int64_t scratch_bytes() const override { return threads_ * thread_bytes(); }
  void bind(const KernelArgs& args) override {
    dy_ = args.in[0];
    qkv_ = args.in[1];
    probabilities_ = args.in[2];
    dqkv_ = args.out[0];
    scratch_ = static_cast<std::byte*>(args.scratch);
  }
  void run() override {
    run_team(threads_, [this](const Team& team) {
      const TileScope tiles;
      const Buffers buffers = carve(scratch_ + team.index * thread_bytes()).first;
      const Range heads = team.share(g_.n * g_.heads);
      for (std::int64_t head = heads.begin; head < heads.end; ++head) run_head(head, buffers);
    });
  }

 private:
  struct Buffers {
    std::byte *dy = nullptr, *v = nullptr, *k = nullptr;  // rows; columns; pairs
    std::byte* left = nullptr;                            // dy, then Q: transposed pairs
    std::byte* square = nullptr;                          // P, then dS: pairs
    float* scores = nullptr;                              // [32][padded]
    bf16_t* ds = nullptr;                                 // [padded][padded]
  };
  std::pair<Buffers, std::int64_t> carve(std::byte* memory) const {
    Carver carver(memory);
    Buffers b;
    b.dy = carver.take<std::byte>(head_bytes());
    b.v = carver.take<std::byte>(head_bytes());
    b.k = carver.take<std::byte>(head_bytes());
    b.left = carver.take<std::byte>(head_bytes());
    b.square = carver.take<std::byte>(square_bytes());
    b.scores = carver.take<float>(kBlock * padded_ * 4);
    b.ds = carver.take<bf16_t>(square_bytes());
    return {b, carver.used()};
  }
  std::int64_t thread_bytes() const { return carve(nullptr).second; }
  void run_head(std::int64_t head, const Buffers& b) const;
  void multiply_transposed(const TokenRows& left, const TokenRows& square, const Buffers& b, std::byte* out) const;

  void *dy_ = nullptr, *qkv_ = nullptr, *probabilities_ = nullptr, *dqkv_ = nullptr;
  std::byte* scratch_ = nullptr;
};

// out [T, hd] = square^T left, as (left^T square)^T.
GYRUS_AMX_TARGET void AttentionGrad::multiply_transposed(const TokenRows& left, const TokenRows& square,
                                                         const Buffers& b, std::byte* out) const {
  pair_tokens(left, b.left);
  transpose_pairs(b.left, padded_, g_.hd());
  pair_tokens(square, b.square);
  alignas(64) std::byte tiles[4 * kTileBytes];
  for (std::int64_t t = 0; t < blocks(); ++t) {
    const Operand right = pairs_operand(b.square, padded_, t);
    for (std::int64_t c = 0; c < g_.hd() / 32; ++c) {
      multiply(pairs_operand(b.left, padded_, c), right, padded_ / 32, {tiles, 2 * kTileBytes, kTileBytes, kRowBytes});
      write_transposed(tiles, rows_in(t), reinterpret_cast<bf16_t*>(out) + t * kBlock * 3 * g_.d + c * 32, 3 * g_.d);
    }
  }
}

void AttentionGrad::run_head(std::int64_t head, const Buffers& b) const {
  const TokenRows dy = rows_of(g_.y(dy_, head), g_.d);
  const auto* p = reinterpret_cast<const bf16_t*>(g_.square(probabilities_, head));
  copy_rows(part(qkv_, head, 2), b.dy);  // V, on its way to v
  transpose_rows(b.dy, padded_, g_.hd(), b.v);
  copy_rows(dy, b.dy);
  pair_tokens(part(qkv_, head, 1), b.k);
  for (std::int64_t block = 0; block < blocks(); ++block) {
    bf16_t* ds = b.ds + block * kBlock * padded_;
    multiply_scores(b.dy, b.v, block, b.scores);
    softmax_grad_block(p + block * kBlock * g_.t, b.scores, g_.scale(), score_rows(block), ds);
    multiply_local(ds, b.k, block, g_.qkv(dqkv_, head, 0), 3 * g_.d);
  }
  multiply_transposed(part(qkv_, head, 0), {b.ds, g_.t, g_.t, padded_}, b, g_.qkv(dqkv_, head, 1));
  multiply_transposed(dy, {p, g_.t, g_.t, g_.t}, b, g_.qkv(dqkv_, head, 2));
}

}  // namespace

std::unique_ptr<Kernel> make_attention(const AttentionGeometry& geometry, int threads) {
  return std::make_unique<Attention>(geometry, threads);
}

std::unique_ptr<Kernel> make_attention_grad(const AttentionGeometry& geometry, int threads) {
  return std::make_unique<AttentionGrad>(geometry, threads);
}

}  // namespace gyrus::backend::cpu::amx
