// What a file's tensors do not show of their network, and its metadata do: two networks may have the same tensors and
// compute something else with them.
#pragma once

#include <map>
#include <string>

#include "io/weight_forms.h"
#include "nn/encoder.h"

namespace gyrus::train {

// The `__metadata__` of a safetensors file.
using Metadata = std::map<std::string, std::string>;

// "arch", "heads" (of a ViT), "image_size" ("224", or "224x192": height x width) and "channels": of the network,
// whatever number of channels the file's stem has.
Metadata network_facts(const nn::EncoderOptions& encoder);

// Throws Code::weights_mismatch, with the remedy, when the file is of a network that has the same tensors as this one
// and is another: a vision transformer with another number of heads, a ResNet with its strides elsewhere. `encoder`:
// the network, where it is known.
void check_network(const std::string& path, const io::RecognisedWeights& weights, const Metadata& metadata,
                   const nn::EncoderOptions* encoder);

}  // namespace gyrus::train
