#include "backend/cuda/attention_choices.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <utility>
#include <vector>

#include "backend/cuda/kernels/attention_tiles.h"
#include "core/error.h"

namespace gyrus::backend::cuda {
namespace {

constexpr int kRepeats = 3;
enum Taken : int { kCudnn = 0, kOwn = 1 };

// A key of its own: those of cuDNN's candidates are named after the plans.
std::string key_of(const AttentionShape& s) {
  return text("attention way bf16 n", s.images, " t", s.tokens, " heads", s.heads, " hd", s.head_dim);
}

// Q, K and V of packed [N, T, 3D] bf16.
void* part(void* qkv, int index, const AttentionShape& s) {
  return static_cast<std::byte*>(qkv) + index * s.heads * s.head_dim * size_of(DType::bf16);
}

// What both ways read and write, on the device.
class Operands {
 public:
  Operands(CudaQueue& queue, const AttentionShape& s, std::int64_t scratch_bytes) : queue_(queue) {
    const std::int64_t rows = s.images * s.tokens, width = s.heads * s.head_dim * size_of(DType::bf16);
    arrays_.qkv = add(rows * 3 * width);
    arrays_.dqkv = add(rows * 3 * width);
    arrays_.y = add(rows * width);
    arrays_.dy = add(rows * width);
    arrays_.stats = add(rows * s.heads * size_of(DType::f32));
    scratch_ = add(scratch_bytes);
  }
  const AttentionArrays& arrays() const { return arrays_; }
  void* scratch() const { return scratch_; }

 private:
  void* add(std::int64_t bytes) {
    blocks_.push_back(queue_.allocate(bytes, MemoryKind::device));
    queue_.fill_zero(blocks_.back().get(), bytes);
    return blocks_.back().get();
  }
  CudaQueue& queue_;
  std::vector<std::shared_ptr<void>> blocks_;
  AttentionArrays arrays_;
  void* scratch_ = nullptr;
};

AttentionTilesArgs own_forward(const AttentionShape& s, const Operands& operands) {
  const AttentionArrays& a = operands.arrays();
  return {a.qkv, a.y, static_cast<float*>(a.stats), s.images, s.tokens, s.heads, s.head_dim};
}

AttentionTilesBackwardArgs own_gradient(const AttentionShape& s, const Operands& operands) {
  const AttentionArrays& a = operands.arrays();
  return {a.dy,     a.qkv,   a.y,       static_cast<const float*>(a.stats), a.dqkv, operands.scratch(), s.images,
          s.tokens, s.heads, s.head_dim};
}

std::string milliseconds(double seconds) { return text(std::round(seconds * 1e5) / 100, " ms"); }

}  // namespace

std::array<void*, kAttentionOperands> attention_operands(const AttentionShape& s, const AttentionArrays& a) {
  return {part(a.qkv, 0, s), part(a.qkv, 1, s), part(a.qkv, 2, s), a.y, a.stats};
}

std::array<void*, kAttentionGradientOperands> attention_gradient_operands(const AttentionShape& s,
                                                                          const AttentionArrays& a) {
  return {part(a.qkv, 0, s),  part(a.qkv, 1, s),  part(a.qkv, 2, s), a.y, a.dy, a.stats,
          part(a.dqkv, 0, s), part(a.dqkv, 1, s), part(a.dqkv, 2, s)};
}

AttentionChoices::AttentionChoices(std::shared_ptr<CudaQueue> queue, std::shared_ptr<PlanCache> cache)
    : queue_(std::move(queue)), cache_(std::move(cache)) {}

const AttentionChoices::Choice& AttentionChoices::choose(AttentionShape shape, DnnPlan& forward, DnnPlan& gradient) {
  shape.is_gradient = false;
  const auto [at, is_new] = choices_.try_emplace(shape);
  if (is_new) at->second = find(shape, forward, gradient);
  return at->second;
}

AttentionChoices::Choice AttentionChoices::find(const AttentionShape& shape, DnnPlan& forward, DnnPlan& gradient) {
  // For tests, which want to see either.
  if (const char* const asked = std::getenv("GYRUS_CUDA_ATTENTION"); asked != nullptr && *asked != '\0') {
    return {std::string(asked) == "own", false, text("asked for by GYRUS_CUDA_ATTENTION=", asked)};
  }
  const std::string key = key_of(shape);
  if (const auto known = cache_->find(key)) return {*known == kOwn, true, "the plan cache's choice"};
  if (!cache_->is_tuning()) return {};
  const std::int64_t scratch = std::max(
      {forward.scratch_bytes(), gradient.scratch_bytes(),
       attention_tiles_backward_scratch_bytes(
           {.images = shape.images, .tokens = shape.tokens, .heads = shape.heads, .head_dim = shape.head_dim})});
  std::optional<Operands> operands;
  try {
    operands.emplace(*queue_, shape, scratch);
  } catch (const Error& error) {
    if (error.code() != Code::out_of_memory) throw;
    cache_->keep(key, kCudnn);
    return {false, false, "not timed against our own: there was no memory for the operands"};
  }
  const auto time = [&](const auto& run) {
    run();  // warms up
    return queue_->seconds([&] {
      for (int i = 0; i < kRepeats; ++i) run();
    }) / kRepeats;
  };
  const auto of_forward = attention_operands(shape, operands->arrays());
  const auto of_gradient = attention_gradient_operands(shape, operands->arrays());
  forward.tune(of_forward, operands->scratch());
  gradient.tune(of_gradient, operands->scratch());
  const double of_cudnn = time([&] {
    forward.run(of_forward, operands->scratch());
    gradient.run(of_gradient, operands->scratch());
  });
  const double of_own = time([&] {
    attention_tiles_forward(queue_->stream(), own_forward(shape, *operands));
    attention_tiles_backward(queue_->stream(), own_gradient(shape, *operands));
  });
  const bool is_own = of_own < of_cudnn;
  cache_->keep(key, is_own ? kOwn : kCudnn);
  return {is_own, true,
          is_own ? text("timed at ", milliseconds(of_own), ", cuDNN's at ", milliseconds(of_cudnn))
                 : text("timed at ", milliseconds(of_cudnn), ", our own at ", milliseconds(of_own))};
}

}  // namespace gyrus::backend::cuda
