#include "train/encoder_export.h"

#include "export/onnx_graph.h"
#include "graph/ops.h"
#include "io/weight_forms.h"
#include "train/weights.h"

namespace gyrus::train {
namespace {

std::string as_moco_v3(std::string_view name) { return text("module.base_encoder.", name); }
std::string as_it_is(std::string_view name) { return std::string(name); }

// The network that torchvision, timm or moco-v3 would make for these names must be this one.
void check_known_elsewhere(const nn::EncoderOptions& encoder, ExportForm form) {
  GYRUS_CHECK(
      !nn::has_first_stride(encoder), Code::invalid_argument, encoder.arch,
      " has its strides where torchvision, timm and moco-v3 have none: they would load its weights into another "
      "network; export it as onnx");
  // timm and torchvision take the number as an option, and the file's metadata say it; moco-v3 has no such option.
  constexpr int kMocoHeads = 12;
  const int heads = nn::attention_heads(encoder);
  GYRUS_CHECK(form != ExportForm::mocov3 || heads == 0 || heads == kMocoHeads, Code::invalid_argument, encoder.arch,
              " has ", heads, " heads here, and moco-v3 has ", kMocoHeads,
              " in every vision transformer: it would load the weights into another network; export it as timm");
}

void check_channels(const nn::EncoderOptions& encoder, const ExportOptions& options) {
  GYRUS_CHECK(options.channels == encoder.channels || (options.channels == 3 && encoder.channels == 1),
              Code::invalid_argument, "a network of ", encoder.channels, " channels cannot be exported for ",
              options.channels, ": load it with that many, if its weights can be, and export it then");
}

// A stem of one channel for three: a third of it for each.
std::vector<float> unfold_stem(const NamedTensor& stem) {
  const auto pixels = static_cast<std::size_t>(stem.shape[2] * stem.shape[3]);
  std::vector<float> values;
  for (std::size_t first = 0; first < stem.data.size(); first += pixels) {
    for (int channel = 0; channel < 3; ++channel) {
      for (const float weight : stem.data.subspan(first, pixels)) values.push_back(weight / 3);
    }
  }
  return values;
}

graph::Graph network_graph(nn::EncoderOptions encoder, const ExportOptions& options) {
  encoder.channels = options.channels;
  graph::Graph graph;
  const graph::ValueId x =
      graph.add_source(graph::Role::input, "images",
                       {Shape{1, encoder.channels, encoder.image_height, encoder.image_width}, DType::f32});
  nn::Scope scope{graph, "", "", graph::Role::parameter, "", nn::Mode::inference};
  const graph::ValueId image = graph::to_channels_last(graph, x, DType::f32, "input");
  const graph::ValueId features = nn::encoder_features(scope, image, encoder);
  if (options.classes == 0) {
    graph.mark_output(features, "features");
  } else {
    const nn::LinearHeadOptions head{nn::feature_dim(encoder), options.classes, false};
    graph.mark_output(nn::linear_head(scope, features, nn::head_name(encoder), head), "logits");
  }
  return graph;
}

void export_onnx(std::span<const NamedTensor> tensors, const nn::EncoderOptions& encoder, const std::string& path,
                 const ExportOptions& options) {
  check_finite(path, tensors);
  std::vector<float> stem;
  const auto find = [&](const std::string& name) -> std::span<const float> {
    const auto found =
        std::find_if(tensors.begin(), tensors.end(), [&](const NamedTensor& tensor) { return tensor.name == name; });
    GYRUS_ASSERT(found != tensors.end());
    const bool is_stem = name == "conv1.weight" || name == "patch_embed.proj.weight";
    if (!is_stem || options.channels == encoder.channels) return found->data;
    if (stem.empty()) stem = unfold_stem(*found);
    return stem;
  };
  exporting::to_onnx(network_graph(encoder, options), find, encoder.arch).write(path);
}

}  // namespace

void export_network(const runtime::ParameterStore& store, const nn::EncoderOptions& encoder, const std::string& path,
                    const ExportOptions& options, const Metadata& more) {
  check_channels(encoder, options);
  const std::vector<NamedTensor> tensors = tensors_of(store, "", "");
  if (options.form == ExportForm::onnx) return export_onnx(tensors, encoder, path, options);
  check_known_elsewhere(encoder, options.form);
  GYRUS_CHECK(options.form != ExportForm::mocov3 || options.classes == 0, Code::invalid_argument,
              "moco-v3 has a projector where a classifier would be: export the encoder alone, or as timm");
  const bool is_torchvision_vit = options.form == ExportForm::torchvision && nn::attention_heads(encoder) > 0;
  BackboneOptions backbone{.channels = options.channels, .batches_tracked = 0, .rename = as_it_is, .metadata = {}};
  if (is_torchvision_vit) backbone.rename = io::to_torchvision_vit;
  if (options.form == ExportForm::mocov3) backbone.rename = as_moco_v3;
  nn::EncoderOptions written = encoder;
  written.channels = options.channels;
  backbone.metadata = network_facts(written);
  backbone.metadata.insert(more.begin(), more.end());
  save_backbone(path, tensors, backbone);
}

}  // namespace gyrus::train
