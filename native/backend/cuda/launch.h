// A Kernel around one of our launchers: its arguments are filled in twice, extents when it is made, pointers when it is
// bound.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "backend/cuda/node_context.h"
#include "backend/lowered_kernel.h"

namespace gyrus::backend::cuda {

template <class Args>
class Launch final : public Kernel {
 public:
  using Start = void (*)(Stream, const Args&);
  using Place = std::function<void(Args&, const KernelArgs&)>;

  Launch(std::shared_ptr<const CudaContext> cuda, const Args& args, Start start, Place place, std::int64_t scratch)
      : cuda_(std::move(cuda)), args_(args), start_(start), place_(std::move(place)), scratch_(scratch) {}

  std::int64_t scratch_bytes() const override { return scratch_; }
  void bind(const KernelArgs& args) override { place_(args_, args); }
  void run() override { start_(cuda_->queue->stream(), args_); }

 private:
  std::shared_ptr<const CudaContext> cuda_;
  Args args_;
  Start start_;
  Place place_;
  std::int64_t scratch_;
};

// `place` sets the pointers of its first argument from its second.
template <class Args, class Place>
std::unique_ptr<Kernel> launch(const NodeContext& node, const Args& args, void (*start)(Stream, const Args&),
                               Place place, std::int64_t scratch = 0) {
  return std::make_unique<Launch<Args>>(node.cuda, args, start, std::move(place), scratch);
}

// Pointers of f32 operands.
inline const float* floats(const void* pointer) { return static_cast<const float*>(pointer); }
inline float* floats(void* pointer) { return static_cast<float*>(pointer); }

}  // namespace gyrus::backend::cuda
