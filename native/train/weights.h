// The tensors of a session under the names of a weight file: what load and save walk.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "io/weights_match.h"
#include "nn/encoder.h"
#include "runtime/parameter_store.h"
#include "train/network_facts.h"

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

// Reads every tensor from a file of any form that io/weight_forms.h knows, all or nothing: the store is touched only
// once names, shapes and finiteness have been checked. `allowed_extra`: prefixes of names that may stand in the file
// unused ("fc.", "head."). `encoder`: what the tensors are for, where it is known; files of networks that compute
// something else with the same tensors are refused (check_network).
io::MatchReport load_tensors(const std::string& path, std::span<const NamedTensor> tensors,
                             std::span<const std::string> allowed_extra, const nn::EncoderOptions* encoder = nullptr);
// Refuses NaN and infinity (Code::non_finite): a file of weights is something to go back to.
void check_finite(const std::string& path, std::span<const NamedTensor> tensors);
void save_tensors(const std::string& path, std::span<const NamedTensor> tensors, const Metadata& metadata = {});

// The tensors of a network as torchvision and timm load them strictly: PyTorch's batch counters beside the running
// statistics, and a one-channel stem, if `channels` is 3, as a third of it for each of three channels.
struct BackboneOptions {
  std::int64_t channels = 3;
  std::int64_t batches_tracked = 0;
  std::string (*rename)(std::string_view) = nullptr;  // to the names of another library
  Metadata metadata{};
};
void save_backbone(const std::string& path, std::span<const NamedTensor> tensors, const BackboneOptions& options);

}  // namespace gyrus::train
