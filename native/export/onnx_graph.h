// A network's graph in inference form as an ONNX model. Images are [N, C, H, W] there, where our graphs have them
// [N, H, W, C]: the same operations, as convolutions, pools and batch norms name the axis that they mean.
#pragma once

#include <functional>
#include <span>
#include <string>

#include "export/onnx_model.h"
#include "graph/graph.h"

namespace gyrus::exporting {

// The numbers of a parameter or buffer, by its name in the graph.
using FindData = std::function<std::span<const float>(const std::string& name)>;

// One input and one output, which keep their names; any batch. Throws Code::internal for an operation that no encoder
// has in inference form.
OnnxModel to_onnx(const graph::Graph& graph, const FindData& find_data, const std::string& name);

}  // namespace gyrus::exporting
