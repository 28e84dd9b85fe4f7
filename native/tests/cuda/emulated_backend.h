// The CUDA backend as far as it consists of our own kernels, on the host: cuda/ops prepares them, the emulator runs
// them.
#pragma once

#include <memory>

#include "backend/backend.h"
#include "backend/device_queue.h"

namespace gyrus::tests {

// Serves graphs without convolutions; products are plain loops, attention is our own kernels'. Each of our kernels gets
// copies of its operands in blocks of exactly their size, surrounded by NaNs that must be there afterwards, and runs in
// every order of threads and blocks: the results must be the same to the last bit (Code::internal otherwise, with the
// step's name).
std::unique_ptr<backend::Backend> make_emulated_backend();

// The augmentation's kernels, as the CUDA backend's queue makes them.
std::unique_ptr<backend::Kernel> make_emulated_augment(const backend::AugmentJob& job);

}  // namespace gyrus::tests
