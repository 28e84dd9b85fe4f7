// Scalars that change from step to step. A header of its own: device code reads the same struct from device memory.
#pragma once

#include <cstdint>

namespace gyrus::backend {

// Which part of a step a run is. A step over micro-batches is several runs: the momentum copies move in the first, the
// gradients are gathered in all of them, and the optimizer updates in the last.
enum class StepPart : std::uint8_t { whole, first, middle, last };
inline constexpr int kStepParts = 4;

// Kernels keep the pointer, the Program writes the values before each run.
struct Hyper {
  float lr = 0, weight_decay = 0;
  float ema_momentum = 1;  // theta_m <- m theta_m + (1-m) theta
  std::int64_t step = 1;   // 1-based count of optimizer steps, for AdamW's bias correction
  StepPart part = StepPart::whole;
  // 0 when a guarded output was not finite: gradient_accumulate, sgd_update, adamw_update and lars_update then change
  // nothing. Written by the guard of a device that cannot ask the host; on the host the Program stops before the update
  // instead.
  std::int32_t may_update = 1;
};

}  // namespace gyrus::backend
