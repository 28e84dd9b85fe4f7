// The gradient of a strided 1x1 convolution's input from that of the dense one over the positions that the stride
// keeps.
#pragma once

#include <memory>

#include "backend/backend.h"
#include "backend/cpu/conv_geometry.h"

namespace gyrus::backend::cpu {

class SpreadGradInput final : public Kernel {
 public:
  // `dense` writes [N, OH, OW, Ci]; this kernel has its inputs, and dx [N, H, W, Ci] as output.
  SpreadGradInput(std::unique_ptr<Kernel> dense, const ConvGeometry& geometry, DType dtype, int threads);
  std::int64_t scratch_bytes() const override;
  void bind(const KernelArgs& args) override;
  void run() override;

 private:
  void spread_row(std::int64_t row) const;

  std::unique_ptr<Kernel> dense_;
  ConvGeometry g_;
  std::int64_t pixel_bytes_;
  int threads_;
  std::byte *kept_ = nullptr, *dx_ = nullptr;
};

}  // namespace gyrus::backend::cpu
