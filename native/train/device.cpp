#include "train/device.h"

#include "core/error.h"

namespace gyrus::train {

Device open_device(const DeviceOptions& options) {
  GYRUS_CHECK(options.device == "auto" || options.device == "cpu" || options.device == "cuda", Code::invalid_argument,
              "device must be 'auto', 'cpu' or 'cuda', not '", options.device, "'");
  GYRUS_CHECK(options.device != "cuda", Code::cuda_unavailable,
              "this build of gyrus has no CUDA backend; use device: 'cpu' or 'auto'");
  Device device;
  device.backend = backend::make_cpu_backend(options.threads);
  const backend::Capabilities can = device.backend->describe();
  GYRUS_CHECK(options.precision != Precision::bf16 || can.has_bf16, Code::precision_unsupported,
              "precision 'bf16' needs a CPU with AVX512_BF16 or AMX, and this one has neither; use 'f32' or 'auto'");
  device.name = can.name;
  device.threads = can.threads;
  const bool uses_bf16 =
      options.precision == Precision::bf16 || (options.precision == Precision::automatic && can.has_bf16);
  device.compute = uses_bf16 ? DType::bf16 : DType::f32;
  return device;
}

}  // namespace gyrus::train
