// From the device options to a backend and a compute dtype. Nothing falls back in silence: "auto" records what it
// chose and why, an explicit wish that cannot be met is an error.
#pragma once

#include <memory>
#include <string>

#include "backend/backend.h"
#include "train/session_options.h"

namespace gyrus::train {

struct Device {
  std::unique_ptr<backend::Backend> backend;
  std::string name;    // "cpu", "cuda"
  std::string reason;  // of "auto": which GPU was taken, or why none; "" where the device was named
  DType compute = DType::f32;
  int threads = 1;
};

// Throws Code::invalid_argument, Code::cuda_unavailable, Code::precision_unsupported.
Device open_device(const DeviceOptions& options);

}  // namespace gyrus::train
