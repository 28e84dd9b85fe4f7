// cuDNN's graphs on the host, as its documentation describes them: descriptors, heuristics, plans, and plain loops over
// tensors with extents and strides. So the code that describes convolutions and their epilogues runs without a GPU.
#pragma once

#include <cstddef>
#include <vector>

namespace gyrus::tests {

// An engine that the heuristics list, for graphs of convolutions, products and pointwise operations; for any other
// graph they list none.
struct HostEngine {
  bool is_deterministic = true;   // else its numerical notes say so
  bool works = true;              // false: running its plan fails
  bool takes_fusions = true;      // false: not listed for graphs of several operations
  double plain_seconds = 0;       // how long any other graph does
  double fusion_seconds = 0;      // how long a graph of several operations takes longer than its loops do
  std::size_t scratch_bytes = 0;  // running its plan overwrites so many
};

// What the heuristics list from now on, best first. None, with the words "there is no cuDNN on the host", unless this
// was called.
void set_host_engines(std::vector<HostEngine> engines);
// Which of them the last plan ran, and how many operations its graph had.
std::size_t last_host_engine();
std::size_t last_host_operations();

}  // namespace gyrus::tests
