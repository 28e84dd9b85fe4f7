// The tensors of nested dicts under dotted names: {"state_dict": {"conv1.weight": T}} holds "state_dict.conv1.weight".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "io/torch/pickle.h"

namespace gyrus::io::torch {

struct NamedPickledTensor {
  std::string name;
  std::uint32_t tensor = 0;  // into Pickle::tensors
};

// In the order of the dicts. Of a key that comes twice, the last value counts, as in Python. Throws Code::file_format
// for a pickle that is no dict, and for one whose dicts hold one another so often that their names outgrow the file.
std::vector<NamedPickledTensor> state_dict_tensors(const Pickle& pickle, std::string_view file);

}  // namespace gyrus::io::torch
