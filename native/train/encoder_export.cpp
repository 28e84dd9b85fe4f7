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

void export_onnx(const runtime::ParameterStore& store, const nn::EncoderOptions& encoder, const std::string& path) {
  graph::Graph graph;
  const graph::ValueId x =
      graph.add_source(graph::Role::input, "images",
                       {Shape{1, encoder.channels, encoder.image_height, encoder.image_width}, DType::f32});
  nn::Scope scope{graph, "", "", graph::Role::parameter, "", nn::Mode::inference};
  const graph::ValueId image = graph::to_channels_last(graph, x, DType::f32, "input");
  graph.mark_output(nn::encoder_features(scope, image, encoder), "features");
  const std::vector<NamedTensor> tensors = tensors_of(store, "", "");
  check_finite(path, tensors);
  const auto find = [&tensors](const std::string& name) -> std::span<const float> {
    const auto found =
        std::find_if(tensors.begin(), tensors.end(), [&](const NamedTensor& tensor) { return tensor.name == name; });
    GYRUS_ASSERT(found != tensors.end());
    return found->data;
  };
  exporting::to_onnx(graph, find, encoder.arch).write(path);
}

}  // namespace

void export_encoder(const runtime::ParameterStore& store, const nn::EncoderOptions& encoder, const std::string& path,
                    ExportForm form, const Metadata& more) {
  if (form == ExportForm::onnx) return export_onnx(store, encoder, path);
  check_known_elsewhere(encoder, form);
  const bool is_torchvision_vit = form == ExportForm::torchvision && nn::attention_heads(encoder) > 0;
  BackboneOptions options{.channels = encoder.channels, .batches_tracked = 0, .rename = as_it_is, .metadata = {}};
  if (is_torchvision_vit) options.rename = io::to_torchvision_vit;
  if (form == ExportForm::mocov3) options.rename = as_moco_v3;
  options.metadata = network_facts(encoder);
  options.metadata.insert(more.begin(), more.end());
  save_backbone(path, tensors_of(store, "", ""), options);
}

}  // namespace gyrus::train
