// Linear layers and their gradients as plain loops, for the graphs of cases that have one beside what they test, in
// builds without NVIDIA's headers too. (What cuBLASLt is asked for is tested in cuda_build/.)
#pragma once

#include <memory>

#include "backend/backend.h"
#include "backend/node_view.h"

namespace gyrus::tests {

// linear (without an activation), linear_grad_input or linear_grad_weight.
std::unique_ptr<backend::Kernel> make_naive_product(const backend::NodeView& node);

}  // namespace gyrus::tests
