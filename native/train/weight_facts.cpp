#include "train/weight_facts.h"

#include <vector>

#include "io/weight_forms.h"
#include "train/weights.h"

namespace gyrus::train {

WeightFacts inspect_weights(const std::string& path, const nn::EncoderOptions& encoder) {
  const std::unique_ptr<io::TensorFile> file = io::open_tensor_file(path);
  const std::string head = nn::head_name(encoder);
  graph::ParameterSpecs specs = nn::encoder_parameters(encoder);
  const graph::ParameterSpecs classifier = nn::linear_head_parameters(head, {nn::feature_dim(encoder), 2, false});
  specs.insert(specs.end(), classifier.begin(), classifier.end());
  std::vector<io::WantedTensor> wanted;
  for (const graph::ParameterSpec& spec : specs) wanted.push_back({spec.name, spec.shape});

  const io::RecognisedWeights weights = io::recognise_weights(wanted, file->tensors(), path);
  WeightFacts facts{.form = weights.form};
  for (const io::StoredTensor& tensor : weights.tensors) {
    const bool is_stem = tensor.name == "conv1.weight" || tensor.name == "patch_embed.proj.weight";
    if (is_stem && tensor.shape.rank() == 4) facts.channels = tensor.shape[1];
    if (tensor.name == head + ".weight" && tensor.shape.rank() == 2) facts.classes = tensor.shape[0];
  }
  return facts;
}

std::map<std::string, std::string> weight_metadata(const std::string& path) {
  return io::open_tensor_file(path)->metadata();
}

}  // namespace gyrus::train
