// What a convolution's node asks for, and the batch norms that cuDNN applies to its sums before they are stored.
#pragma once

#include <optional>
#include <string>

#include "backend/cuda/dnn/dnn.h"
#include "backend/cuda/node_context.h"
#include "backend/lowered_kernel.h"

namespace gyrus::backend::cuda {

// `x` and `y`: shapes of the convolution's input and output, whatever the node itself reads and writes.
ConvShape conv_shape(const NodeContext& node, ConvShape::Direction direction, const Shape& x, const Shape& y);
// Why a product over columns is the better way; "" where it is not.
std::string reason_for_columns(const ConvShape& shape);

// A batch norm with known statistics whose input is a convolution that nobody else reads, as one kernel; and whether a
// convolution is such a one, which then has no kernel of its own. conv2d_batch_norm.cpp.
std::optional<LoweredKernel> make_conv2d_batch_norm(const NodeContext& norm);
bool is_left_to_batch_norm(const NodeContext& convolution);
// cuDNN's words where it has no engine for the two together; "" where nothing was refused.
std::string batch_norm_refusal(const NodeContext& norm);

}  // namespace gyrus::backend::cuda
