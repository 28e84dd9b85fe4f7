// The CUDA backend as far as it consists of our own kernels, on the host: cuda/ops prepares them, the emulator runs
// them.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "backend/backend.h"
#include "backend/device_queue.h"
#include "backend/lowered_kernel.h"
#include "backend/node_view.h"

namespace gyrus::tests {

// Serves graphs without convolutions; products are plain loops, attention is our own kernels'. Each of our kernels gets
// copies of its operands in blocks of exactly their size, surrounded by NaNs that must be there afterwards, and runs in
// every order of threads and blocks: the results must be the same to the last bit (Code::internal otherwise, with the
// step's name).
std::unique_ptr<backend::Backend> make_emulated_backend();

// The augmentation's kernels, as the CUDA backend's queue makes them.
std::unique_ptr<backend::Kernel> make_emulated_augment(const backend::AugmentJob& job);
// The same with kernels of the caller's for some operations, treated as our own are; nothing where it has none.
using MakeOther = std::function<std::optional<backend::LoweredKernel>(const backend::NodeView&)>;
std::unique_ptr<backend::Backend> make_emulated_backend(MakeOther others);

}  // namespace gyrus::tests
