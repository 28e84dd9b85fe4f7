// Finds out under which names a file of weights holds a network, so that files of other libraries fit ours: torchvision
// and timm, torchvision's ViTs, moco-v3, solo-learn and Lightning, RadImageNet's two forms (science.md B12, F2).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "io/tensor_file.h"
#include "io/weights_match.h"

namespace gyrus::io {

struct RecognisedWeights {
  std::string form;         // in words: "moco-v3's names under \"state_dict.module.base_encoder.\""
  std::string prefix;       // of the file's names that were taken; all others are of other parts of a checkpoint
  bool has_biases = false;  // every convolution has one, as in Keras's ResNet: its strides are where Keras has them
  std::vector<StoredTensor> tensors;       // under the names wanted, where the form has them
  std::vector<RecognisedTensor> sources;   // of each
  std::vector<std::string> folded;         // biases that are subtracted from running means, by the file's names
  std::vector<IgnoredTensor> other_parts;  // of a checkpoint, by the file's names
};

// A pure function of names and shapes. When no form has at least half of what is wanted, everything is given under its
// own name, so that the report lists it. Throws Code::weights_mismatch when two networks in the file fit equally.
RecognisedWeights recognise_weights(std::span<const WantedTensor> wanted, std::span<const StoredTensor> stored,
                                    std::string_view file);

// match_weights() of what was recognised; the report accounts for every tensor of the file.
MatchReport match_recognised(std::span<const WantedTensor> wanted, const RecognisedWeights& weights,
                             const AllowedExtras& extras = {});

// Names of a foreign form to ours and back, for ViTs: torchvision's "encoder.layers.encoder_layer_0.ln_1.weight" is
// "blocks.0.norm1.weight". Names that the form does not have stay as they are.
std::string from_torchvision_vit(std::string_view name);
std::string to_torchvision_vit(std::string_view name);

}  // namespace gyrus::io
