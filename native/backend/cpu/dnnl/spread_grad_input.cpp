#include "backend/cpu/dnnl/spread_grad_input.h"

#include <array>
#include <cstring>

#include "backend/cpu/simd/team.h"

namespace gyrus::backend::cpu {

SpreadGradInput::SpreadGradInput(std::unique_ptr<Kernel> dense, const ConvGeometry& geometry, DType dtype, int threads)
    : dense_(std::move(dense)), g_(geometry), pixel_bytes_(geometry.ci * size_of(dtype)), threads_(threads) {}

std::int64_t SpreadGradInput::scratch_bytes() const {
  const std::int64_t kept_bytes = (g_.n * g_.oh * g_.ow * pixel_bytes_ + 63) / 64 * 64;
  return kept_bytes + dense_->scratch_bytes();
}

void SpreadGradInput::bind(const KernelArgs& args) {
  dx_ = static_cast<std::byte*>(args.out[0]);
  kept_ = static_cast<std::byte*>(args.scratch);
  const std::array<void*, 1> kept{kept_};
  KernelArgs inner = args;
  inner.out = kept;
  inner.scratch = kept_ + scratch_bytes() - dense_->scratch_bytes();
  dense_->bind(inner);
}

void SpreadGradInput::run() {
  dense_->run();
  run_team(threads_, [this](const Team& team) {
    const Range rows = team.share(g_.n * g_.h);
    for (std::int64_t row = rows.begin; row < rows.end; ++row) spread_row(row);
  });
}

// Row h of an image: every stride-th pixel of every stride-th row was kept.
void SpreadGradInput::spread_row(std::int64_t row) const {
  const std::int64_t image = row / g_.h, h = row % g_.h;
  const auto bytes = [this](std::int64_t pixels) { return static_cast<std::size_t>(pixels * pixel_bytes_); };
  std::byte* to = dx_ + row * g_.w * pixel_bytes_;
  if (h % g_.stride != 0 || h / g_.stride >= g_.oh) {
    std::memset(to, 0, bytes(g_.w));
    return;
  }
  const std::byte* from = kept_ + (image * g_.oh + h / g_.stride) * g_.ow * pixel_bytes_;
  for (std::int64_t w = 0; w < g_.w;) {
    std::memcpy(to + w * pixel_bytes_, from + w / g_.stride * pixel_bytes_, bytes(1));
    const std::int64_t next = w / g_.stride + 1 < g_.ow ? w + g_.stride : g_.w;
    std::memset(to + (w + 1) * pixel_bytes_, 0, bytes(next - w - 1));
    w = next;
  }
}

}  // namespace gyrus::backend::cpu
