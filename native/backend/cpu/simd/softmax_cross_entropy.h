// Mean cross-entropy of softmax over rows of logits, with its gradient.
#pragma once

#include <memory>

#include "backend/backend.h"
#include "backend/cpu/node_context.h"

namespace gyrus::backend::cpu {

std::unique_ptr<backend::Kernel> make_softmax_cross_entropy(const NodeContext& node);
std::unique_ptr<backend::Kernel> make_softmax_cross_entropy_grad(const NodeContext& node);

}  // namespace gyrus::backend::cpu
