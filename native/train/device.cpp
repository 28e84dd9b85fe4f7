#include "train/device.h"

#include "core/error.h"
#include "core/threads.h"

namespace gyrus::train {
namespace {

Device open_cpu(const DeviceOptions& options) {
  Device device;
  device.backend = backend::make_cpu_backend(options.threads);
  const backend::Capabilities can = device.backend->describe();
  GYRUS_CHECK(options.precision != Precision::bf16 || can.has_bf16, Code::precision_unsupported,
              "precision 'bf16' needs a CPU with AVX512_BF16 or AMX, and this one has neither; use 'f32' or 'auto'");
  return device;
}

Device open_made(const DeviceOptions& options) {
  Device device;
  device.backend = options.make();
  return device;
}

Device open_cuda() {
  Device device;
  device.backend = backend::make_cuda_backend();
  return device;
}

// The GPU where there is one that can be used.
Device open_either(const DeviceOptions& options) {
  try {
    Device device = open_cuda();
    device.reason = device.backend->describe().detail;
    return device;
  } catch (const Error& error) {
    if (error.code() != Code::cuda_unavailable) throw;
    Device device = open_cpu(options);
    device.reason = error.message();
    return device;
  }
}

}  // namespace

Device open_device(const DeviceOptions& options) {
  GYRUS_CHECK(options.device == "auto" || options.device == "cpu" || options.device == "cuda", Code::invalid_argument,
              "device must be 'auto', 'cpu' or 'cuda', not '", options.device, "'");
  (void)resolve_threads(options.threads);  // refused for a GPU too: the host's threads draw the random weights
  Device device = options.make != nullptr    ? open_made(options)
                  : options.device == "cuda" ? open_cuda()
                  : options.device == "cpu"  ? open_cpu(options)
                                             : open_either(options);
  const backend::Capabilities can = device.backend->describe();
  device.name = can.name;
  device.threads = can.threads;
  const bool uses_bf16 =
      options.precision == Precision::bf16 || (options.precision == Precision::automatic && can.has_bf16);
  device.compute = uses_bf16 ? DType::bf16 : DType::f32;
  return device;
}

}  // namespace gyrus::train
