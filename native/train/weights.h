// The tensors of a session under the names of a weight file: what load and save walk.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "io/weights_match.h"
#include "runtime/parameter_store.h"

namespace gyrus::train {

struct NamedTensor {
  std::string name;  // in the file
  Shape shape;
  std::span<float> data;  // in the store
};

// Fills every parameter and buffer of the store from its init rule.
void initialize_store(runtime::ParameterStore& store, std::uint64_t seed);

// All parameters and buffers whose store name starts with `prefix`; in the file they carry `file_prefix` instead.
std::vector<NamedTensor> tensors_of(const runtime::ParameterStore& store, const std::string& prefix,
                                    const std::string& file_prefix);

// Reads every tensor from a safetensors file, all or nothing: the store is touched only once names, shapes and
// finiteness have been checked. `allowed_extra`: prefixes of names that may stand in the file unused ("fc.", "head.").
io::MatchReport load_tensors(const std::string& path, std::span<const NamedTensor> tensors,
                             std::span<const std::string> allowed_extra);
void save_tensors(const std::string& path, std::span<const NamedTensor> tensors);

}  // namespace gyrus::train
