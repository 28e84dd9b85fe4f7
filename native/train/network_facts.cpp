#include "train/network_facts.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "core/error.h"

namespace gyrus::train {
namespace {

constexpr int kMocoHeads = 12;  // of every vision transformer of moco-v3

std::optional<std::string> value_of(const Metadata& metadata, const std::string& key) {
  const auto found = metadata.find(key);
  return found == metadata.end() ? std::nullopt : std::optional(found->second);
}

// Of the file, where it says so in our words.
std::optional<nn::EncoderOptions> stated_network(const Metadata& metadata) {
  const std::optional<std::string> arch = value_of(metadata, "arch");
  const std::vector<std::string_view> known = nn::architecture_names();
  if (!arch || std::ranges::find(known, *arch) == known.end()) return std::nullopt;
  nn::EncoderOptions network;
  network.arch = *arch;
  if (const std::optional<std::string> heads = value_of(metadata, "heads")) {
    std::from_chars(heads->data(), heads->data() + heads->size(), network.heads);
  }
  return network;
}

// moco-v3's own names, under whatever prefix its checkpoint has them.
bool is_from_moco_v3(const io::RecognisedWeights& weights) {
  return std::ranges::any_of(weights.sources, [](const io::RecognisedTensor& source) {
    return source.source->name.find("module.base_encoder.") != std::string::npos;
  });
}

void check_strides(const std::string& path, const io::RecognisedWeights& weights,
                   const std::optional<nn::EncoderOptions>& stated, const nn::EncoderOptions* encoder) {
  const std::string_view arch = encoder == nullptr ? std::string_view("this one") : encoder->arch;
  const bool has_first_stride = encoder != nullptr && nn::has_first_stride(*encoder);
  GYRUS_CHECK(
      !weights.has_biases || has_first_stride, Code::weights_mismatch, path,
      ": its convolutions have biases, as those of Keras and RadImageNet, whose ResNets have their strides on a "
      "block's first convolution; ",
      arch, " has them on the second. Remedy: take the architecture resnet50_v1");
  GYRUS_CHECK(!stated || encoder == nullptr || nn::has_first_stride(*stated) == has_first_stride,
              Code::weights_mismatch, path, ": is of ", stated->arch, ", whose strides are not where those of ", arch,
              " are. Remedy: take the architecture ", stated->arch);
}

void check_heads(const std::string& path, const io::RecognisedWeights& weights,
                 const std::optional<nn::EncoderOptions>& stated, const nn::EncoderOptions* encoder) {
  const int heads = encoder == nullptr ? 0 : nn::attention_heads(*encoder);
  if (heads == 0) return;
  if (stated && stated->heads > 0) {
    const int wanted = stated->heads;
    GYRUS_CHECK(wanted == heads, Code::weights_mismatch, path, ": is of ", stated->arch, " with ", wanted, " heads; ",
                encoder->arch, " has ", heads, ". Remedy: take the architecture ", stated->arch,
                wanted == nn::attention_heads({.arch = stated->arch}) ? std::string() : text(" with heads ", wanted));
    return;
  }
  GYRUS_CHECK(heads == kMocoHeads || !is_from_moco_v3(weights), Code::weights_mismatch, path,
              ": is moco-v3's, whose vision transformers have ", kMocoHeads, " heads; ", encoder->arch, " has ", heads,
              ". Remedy: take the architecture mocov3_vit_small, or heads 12");
}

}  // namespace

Metadata network_facts(const nn::EncoderOptions& encoder) {
  const auto [height, width] = std::pair(encoder.image_height, encoder.image_width);
  Metadata facts{{"arch", encoder.arch},
                 {"image_size", height == width ? std::to_string(height) : text(height, "x", width)},
                 {"channels", std::to_string(encoder.channels)}};
  if (const int heads = nn::attention_heads(encoder); heads > 0) facts.emplace("heads", std::to_string(heads));
  return facts;
}

void check_network(const std::string& path, const io::RecognisedWeights& weights, const Metadata& metadata,
                   const nn::EncoderOptions* encoder) {
  const std::optional<nn::EncoderOptions> stated = stated_network(metadata);
  check_strides(path, weights, stated, encoder);
  check_heads(path, weights, stated, encoder);
}

}  // namespace gyrus::train
