#include "tests/cuda/emulator.h"
// The emulator must come first.
#include "tests/cuda/pretended_cudnn.h"

#include <cmath>
#include <map>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace gyrus::tests {
namespace {

PretendedCudnn* present = nullptr;

}  // namespace

PretendedCudnn::PretendedCudnn(std::chrono::milliseconds each_run, std::int64_t most_bytes)
    : each_run_(each_run), most_bytes_(most_bytes) {
  GYRUS_ASSERT(present == nullptr);
  present = this;
}
PretendedCudnn::~PretendedCudnn() { present = nullptr; }
bool PretendedCudnn::is_there() { return present != nullptr; }
std::int64_t PretendedCudnn::most_bytes() {
  return present != nullptr ? present->most_bytes_ : std::numeric_limits<std::int64_t>::max();
}

}  // namespace gyrus::tests

namespace gyrus::backend::cuda {
namespace {

// One head's rows in an operand: q, k, v and their gradients lie in [N, T, 3, heads, head_dim], y and dy in
// [N, T, heads, head_dim].
struct HeadRows {
  bf16_t* first;
  std::int64_t stride;
  float at(std::int64_t row, std::int64_t e) const { return to_float(first[row * stride + e]); }
  void set(std::int64_t row, std::int64_t e, double value) const {
    first[row * stride + e] = to_bf16(static_cast<float>(value));
  }
};

class PlainAttention final : public DnnPlan {
 public:
  explicit PlainAttention(const AttentionShape& shape) : s_(shape) {}
  std::int64_t scratch_bytes() const override { return 256; }
  void tune(std::span<void* const>, void*) override {}
  void run(std::span<void* const> operands, void*) override {
    tests::present->count_run();
    std::this_thread::sleep_for(tests::present->each_run());
    GYRUS_ASSERT(operands.size() == (s_.is_gradient ? 9U : 5U));
    for (std::int64_t image = 0; image < s_.images; ++image) {
      for (std::int64_t head = 0; head < s_.heads; ++head) {
        s_.is_gradient ? gradient(operands, image, head) : forward(operands, image, head);
      }
    }
  }

 private:
  HeadRows rows(void* operand, std::int64_t parts, std::int64_t image, std::int64_t head) const {
    const std::int64_t stride = parts * s_.heads * s_.head_dim;
    return {static_cast<bf16_t*>(operand) + image * s_.tokens * stride + head * s_.head_dim, stride};
  }
  double score(const HeadRows& q, const HeadRows& k, std::int64_t i, std::int64_t j) const {
    return product(q, k, i, j) / std::sqrt(static_cast<double>(s_.head_dim));
  }
  double product(const HeadRows& a, const HeadRows& b, std::int64_t i, std::int64_t j) const {
    double sum = 0;
    for (std::int64_t e = 0; e < s_.head_dim; ++e) sum += static_cast<double>(a.at(i, e) * b.at(j, e));
    return sum;
  }

  void forward(std::span<void* const> o, std::int64_t image, std::int64_t head) const {
    const HeadRows q = rows(o[0], 3, image, head), k = rows(o[1], 3, image, head), v = rows(o[2], 3, image, head),
                   y = rows(o[3], 1, image, head);
    auto* const stats = static_cast<float*>(o[4]) + (image * s_.heads + head) * s_.tokens;
    std::vector<double> weights(static_cast<std::size_t>(s_.tokens));
    for (std::int64_t i = 0; i < s_.tokens; ++i) {
      double sum = 0;
      for (std::int64_t j = 0; j < s_.tokens; ++j) {
        sum += weights[static_cast<std::size_t>(j)] = std::exp(score(q, k, i, j));
      }
      stats[i] = static_cast<float>(std::log(sum));
      for (std::int64_t e = 0; e < s_.head_dim; ++e) {
        double total = 0;
        for (std::int64_t j = 0; j < s_.tokens; ++j) {
          total += weights[static_cast<std::size_t>(j)] / sum * static_cast<double>(v.at(j, e));
        }
        y.set(i, e, total);
      }
    }
  }

  void gradient(std::span<void* const> o, std::int64_t image, std::int64_t head) const {
    const HeadRows q = rows(o[0], 3, image, head), k = rows(o[1], 3, image, head), v = rows(o[2], 3, image, head),
                   y = rows(o[3], 1, image, head), dy = rows(o[4], 1, image, head), dq = rows(o[6], 3, image, head),
                   dk = rows(o[7], 3, image, head), dv = rows(o[8], 3, image, head);
    const auto* const stats = static_cast<const float*>(o[5]) + (image * s_.heads + head) * s_.tokens;
    const auto width = static_cast<std::size_t>(s_.head_dim);
    std::vector<std::vector<double>> keys(static_cast<std::size_t>(s_.tokens), std::vector<double>(width)),
        values = keys;
    const double scale = 1 / std::sqrt(static_cast<double>(s_.head_dim));
    for (std::int64_t i = 0; i < s_.tokens; ++i) {
      std::vector<double> query(width);
      const double expected = product(y, dy, i, i);
      for (std::int64_t j = 0; j < s_.tokens; ++j) {
        const double p = std::exp(score(q, k, i, j) - static_cast<double>(stats[i]));
        const double ds = p * (product(dy, v, i, j) - expected) * scale;
        for (std::size_t e = 0; e < width; ++e) {
          const auto at = static_cast<std::int64_t>(e);
          query[e] += ds * static_cast<double>(k.at(j, at));
          keys[static_cast<std::size_t>(j)][e] += ds * static_cast<double>(q.at(i, at));
          values[static_cast<std::size_t>(j)][e] += p * static_cast<double>(dy.at(i, at));
        }
      }
      for (std::size_t e = 0; e < width; ++e) dq.set(i, static_cast<std::int64_t>(e), query[e]);
    }
    for (std::int64_t j = 0; j < s_.tokens; ++j) {
      for (std::size_t e = 0; e < width; ++e) {
        dk.set(j, static_cast<std::int64_t>(e), keys[static_cast<std::size_t>(j)][e]);
        dv.set(j, static_cast<std::int64_t>(e), values[static_cast<std::size_t>(j)][e]);
      }
    }
  }

  AttentionShape s_;
};

class PretendedDnn final : public Dnn {
 public:
  using Dnn::Dnn;
  const DnnChoice& attention(const AttentionShape& shape) override {
    const auto [at, is_new] = plans_.try_emplace(shape);
    if (is_new) at->second = {std::make_shared<PlainAttention>(shape), ""};
    return at->second;
  }

 private:
  std::map<AttentionShape, DnnChoice> plans_;
};

}  // namespace

}  // namespace gyrus::backend::cuda

namespace gyrus::tests {

std::shared_ptr<backend::cuda::Dnn> make_dnn(std::shared_ptr<backend::cuda::CudaQueue> queue,
                                             std::shared_ptr<backend::cuda::PlanCache> cache) {
  if (!PretendedCudnn::is_there()) return std::make_shared<backend::cuda::Dnn>(std::move(queue), std::move(cache));
  return std::make_shared<backend::cuda::PretendedDnn>(std::move(queue), std::move(cache));
}

}  // namespace gyrus::tests
