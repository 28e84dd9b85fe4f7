// The text form of a graph: what pass tests compare and messages quote. Stable: it depends on the graph alone.
//   %0 input/x [2, 3, 8, 8] f32
//   %1 param/conv1.weight [4, 3, 3, 3] f32
//   %2 act/x_nhwc [2, 8, 8, 3] f32 = to_channels_last(%0)
//   %3 act/conv1 [2, 8, 8, 4] f32 = conv2d(%2, %1) padding=1 input_height=8 input_width=8 kernel_height=3
//   kernel_width=3 output features = %3
#pragma once

#include <string>

#include "graph/graph.h"

namespace gyrus::graph {

// One line a source, a node and an output, each ending in a newline; nodes in order.
std::string dump(const Graph& graph);
// The line of one node, without the newline.
std::string dump(const Graph& graph, NodeId id);
// "stride=2 padding=3": the fields that differ from their defaults, in the order of the struct; "" when none does.
std::string dump(const Attrs& attrs);

}  // namespace gyrus::graph
