// The rectifier and its gradient, where they stand alone.
#pragma once

#include <memory>

#include "backend/backend.h"
#include "backend/cpu/node_context.h"

namespace gyrus::backend::cpu {

std::unique_ptr<backend::Kernel> make_relu(const NodeContext& node);
std::unique_ptr<backend::Kernel> make_relu_grad(const NodeContext& node);

}  // namespace gyrus::backend::cpu
