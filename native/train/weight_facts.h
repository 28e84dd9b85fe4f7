// What a file of weights holds for a network, read from its names and shapes alone, before a session is made for it.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "nn/encoder.h"

namespace gyrus::train {

struct WeightFacts {
  std::string form;           // what io/weight_forms.h found the names to be
  std::int64_t channels = 0;  // that the stem reads; 0: there is no stem under the network's names
  std::int64_t classes = 0;   // that a linear classifier tells apart; 0: there is none
};

// `encoder` says whose names are looked for; its image size and channels do not matter. Throws what opening a file of
// weights throws, and Code::weights_mismatch when two networks in it fit equally.
WeightFacts inspect_weights(const std::string& path, const nn::EncoderOptions& encoder);

// What a safetensors file says of itself; other forms say nothing. Throws what opening a file of weights throws.
std::map<std::string, std::string> weight_metadata(const std::string& path);

}  // namespace gyrus::train
