// fill: writes one f32, the seed of a gradient.
#include "backend/cpu/simd/fill.h"

#include <algorithm>

namespace gyrus::backend::cpu {
namespace {

class Fill final : public Kernel {
 public:
  explicit Fill(const NodeContext& node)
      : value_(node.attrs<graph::FillAttrs>().value), count_(node.out_shape(0).elements()) {}

  void bind(const KernelArgs& args) override { y_ = static_cast<float*>(args.out[0]); }
  void run() override { std::fill_n(y_, count_, value_); }

 private:
  float value_;
  std::int64_t count_;
  float* y_ = nullptr;
};

}  // namespace

std::unique_ptr<Kernel> make_fill(const NodeContext& node) { return std::make_unique<Fill>(node); }

}  // namespace gyrus::backend::cpu
