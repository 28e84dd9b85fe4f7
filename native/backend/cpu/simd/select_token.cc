// select_token: copies one row of D elements an image. Gradient: writes zeros everywhere else, A bytes an element once.
// Both move whole bytes, whatever A is: the C library's copies are as fast as the memory.
#include "backend/cpu/simd/select_token.h"

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "backend/cpu/simd/team.h"

namespace gyrus::backend::cpu {
namespace {

struct SelectTokenJob {
  std::int64_t images = 0;
  std::size_t row_bytes = 0;          // D elements
  std::size_t before = 0, after = 0;  // bytes of an image's tokens before and after the selected one
  std::size_t image_bytes() const { return before + row_bytes + after; }
};

// `sequence` [N, T, D]
SelectTokenJob job_of(const graph::ValueType& sequence, std::int64_t index) {
  const std::int64_t tokens = sequence.shape[1], row = sequence.shape[2] * size_of(sequence.dtype);
  GYRUS_ASSERT(index >= 0 && index < tokens);
  return {.images = sequence.shape[0],
          .row_bytes = static_cast<std::size_t>(row),
          .before = static_cast<std::size_t>(index * row),
          .after = static_cast<std::size_t>((tokens - 1 - index) * row)};
}

class SelectToken final : public Kernel {
 public:
  explicit SelectToken(const NodeContext& node)
      : job_(job_of(node.in_type(0), node.attrs<graph::TokenAttrs>().index)) {}

  void bind(const KernelArgs& args) override {
    x_ = static_cast<const std::byte*>(args.in[0]);
    y_ = static_cast<std::byte*>(args.out[0]);
  }

  void run() override {
    for (std::int64_t image = 0; image < job_.images; ++image) {
      const std::size_t i = static_cast<std::size_t>(image);
      std::memcpy(y_ + i * job_.row_bytes, x_ + i * job_.image_bytes() + job_.before, job_.row_bytes);
    }
  }

 private:
  SelectTokenJob job_;
  const std::byte* x_ = nullptr;  // [N, T, D] A
  std::byte* y_ = nullptr;        // [N, D] A
};

class SelectTokenGrad final : public Kernel {
 public:
  explicit SelectTokenGrad(const NodeContext& node)
      : job_(job_of(node.out_type(0), node.attrs<graph::TokenAttrs>().index)) {
    const graph::ValueType& dx = node.out_type(0);
    threads_ = useful_threads(node.threads, dx.shape.elements() * size_of(dx.dtype));
  }

  void bind(const KernelArgs& args) override {
    dy_ = static_cast<const std::byte*>(args.in[0]);
    dx_ = static_cast<std::byte*>(args.out[0]);
  }

  void run() override {
    run_team(threads_, [this](const Team& team) {
      const Range images = team.share(job_.images);
      for (std::int64_t image = images.begin; image < images.end; ++image) {
        const std::size_t i = static_cast<std::size_t>(image);
        std::byte* selected = dx_ + i * job_.image_bytes() + job_.before;
        std::memset(selected - job_.before, 0, job_.before);
        std::memcpy(selected, dy_ + i * job_.row_bytes, job_.row_bytes);
        std::memset(selected + job_.row_bytes, 0, job_.after);
      }
    });
  }

 private:
  SelectTokenJob job_;
  const std::byte* dy_ = nullptr;  // [N, D] A
  std::byte* dx_ = nullptr;        // [N, T, D] A
  int threads_ = 1;
};

}  // namespace

std::unique_ptr<Kernel> make_select_token(const NodeContext& node) { return std::make_unique<SelectToken>(node); }

std::unique_ptr<Kernel> make_select_token_grad(const NodeContext& node) {
  return std::make_unique<SelectTokenGrad>(node);
}

}  // namespace gyrus::backend::cpu
