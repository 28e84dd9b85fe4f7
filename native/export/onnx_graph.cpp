#include "export/onnx_graph.h"

#include <cmath>
#include <numbers>
#include <vector>

#include "core/error.h"

namespace gyrus::exporting {
namespace {

using graph::Node;
using graph::OpKind;
using graph::ValueId;

class Translator {
 public:
  Translator(const graph::Graph& graph, const FindData& find_data, const std::string& name)
      : graph_(graph), model_(name), names_(graph.values().size()) {
    for (std::size_t at = 0; at < graph.values().size(); ++at) {
      const graph::Value& value = graph.values()[at];
      if (value.producer.is_valid()) continue;
      names_[at] = std::string(value.bare_name());
      if (value.role == graph::Role::input) {
        model_.input(names_[at], value.shape());
      } else {
        model_.weight(names_[at], value.shape(), find_data(names_[at]));
      }
    }
    for (const Node& node : graph.nodes()) name_of(node.outputs[0]) = translate(node);
    const graph::Graph::Output& output = graph.outputs()[0];
    model_.node("Identity", {name_of(output.value)}, output.name);
    model_.output(output.name, graph.value(output.value).shape());
  }

  OnnxModel take() { return std::move(model_); }

 private:
  std::string& name_of(ValueId id) { return names_[static_cast<std::size_t>(id.index)]; }
  std::string input(const Node& node, std::size_t at) { return name_of(node.inputs[at]); }
  std::int64_t width_of(ValueId id) const { return graph_.value(id).shape().back(); }

  // The ONNX name of the node's first output.
  std::string translate(const Node& node) {
    const std::string out = node.name + "_out";  // a node may have the name of a weight's beginning, never of one
    if (node.kind == OpKind::cast || node.kind == OpKind::to_channels_last)
      return input(node, 0);  // f32 and [N, C, H, W] throughout
    const std::string x = input(node, 0);
    if (node.kind == OpKind::relu) return model_.node("Relu", {x}, out);
    if (node.kind == OpKind::add) return model_.node("Add", {x, input(node, 1)}, out);
    if (node.kind == OpKind::conv2d) return conv2d(node, out);
    if (node.kind == OpKind::batch_norm_inference) return batch_norm(node, out);
    if (node.kind == OpKind::max_pool) return max_pool(node, out);
    if (node.kind == OpKind::global_avg_pool) {
      return model_.node("Flatten", {model_.node("GlobalAveragePool", {x}, out + "/mean")}, out);
    }
    if (node.kind == OpKind::linear) return linear(node, out);
    if (node.kind == OpKind::layer_norm) {
      const auto& attrs = std::get<graph::LayerNormAttrs>(node.attrs);
      return model_.node("LayerNormalization", {x, input(node, 1), input(node, 2)}, out, {{"epsilon", attrs.eps}});
    }
    if (node.kind == OpKind::gelu) return gelu(x, out);
    if (node.kind == OpKind::attention) return attention(node, out);
    if (node.kind == OpKind::embed_tokens) return embed_tokens(node, out);
    if (node.kind == OpKind::select_token) {
      const auto& attrs = std::get<graph::TokenAttrs>(node.attrs);
      return model_.node("Gather", {x, model_.index(out + "/index", attrs.index)}, out, {{"axis", std::int64_t{1}}});
    }
    throw Error(Code::internal, text("there is no ONNX form of ", graph::name_of(node.kind), " ", node.name));
  }

  std::string conv2d(const Node& node, const std::string& out) {
    const auto& attrs = std::get<graph::Conv2dAttrs>(node.attrs);
    std::vector<std::string> inputs;
    for (std::size_t at = 0; at < node.inputs.size(); ++at) inputs.push_back(input(node, at));
    const std::int64_t stride = attrs.stride, padding = attrs.padding;
    return model_.node("Conv", inputs, out,
                       {{"kernel_shape", std::vector{attrs.kernel_height, attrs.kernel_width}},
                        {"strides", std::vector{stride, stride}},
                        {"pads", std::vector{padding, padding, padding, padding}}});
  }

  std::string batch_norm(const Node& node, const std::string& out) {
    const auto& attrs = std::get<graph::BatchNormAttrs>(node.attrs);
    GYRUS_ASSERT(attrs.has_affine && attrs.has_running && !attrs.has_residual && !attrs.has_relu);
    return model_.node("BatchNormalization",
                       {input(node, 0), input(node, 1), input(node, 2), input(node, 3), input(node, 4)}, out,
                       {{"epsilon", attrs.eps}});
  }

  std::string max_pool(const Node& node, const std::string& out) {
    const auto& attrs = std::get<graph::PoolAttrs>(node.attrs);
    const std::int64_t kernel = attrs.kernel, stride = attrs.stride, padding = attrs.padding;
    return model_.node("MaxPool", {input(node, 0)}, out,
                       {{"kernel_shape", std::vector{kernel, kernel}},
                        {"strides", std::vector{stride, stride}},
                        {"pads", std::vector{padding, padding, padding, padding}}});
  }

  // x w^T + b. The transposition is of a constant: runtimes do it once, when they load the model.
  std::string linear(const Node& node, const std::string& out) {
    GYRUS_ASSERT(std::get<graph::LinearAttrs>(node.attrs).activation == graph::Activation::none);
    const bool has_bias = node.inputs.size() > 2;
    const std::string weight =
        model_.node("Transpose", {input(node, 1)}, out + "/weight", {{"perm", std::vector<std::int64_t>{1, 0}}});
    const std::string product = model_.node("MatMul", {input(node, 0), weight}, has_bias ? out + "/product" : out);
    return has_bias ? model_.node("Add", {product, input(node, 2)}, out) : product;
  }

  // x (1 + erf(x / sqrt 2)) / 2: opset 17 has no Gelu.
  std::string gelu(const std::string& x, const std::string& out) {
    const std::string scale = model_.number(out + "/scale", 1 / std::numbers::sqrt2_v<float>);
    const std::string one = model_.number(out + "/one", 1), half = model_.number(out + "/half", 0.5F);
    const std::string scaled = model_.node("Mul", {x, scale}, out + "/scaled");
    const std::string erf = model_.node("Erf", {scaled}, out + "/erf");
    const std::string sum = model_.node("Add", {erf, one}, out + "/sum");
    return model_.node("Mul", {model_.node("Mul", {x, sum}, out + "/twice"), half}, out);
  }

  // [N, T, 3D] packed [Q | K | V], each heads-major.
  std::string attention(const Node& node, const std::string& out) {
    const std::int64_t heads = std::get<graph::AttentionAttrs>(node.attrs).heads, width = width_of(node.outputs[0]);
    const std::string split = model_.node(
        "Reshape", {input(node, 0), model_.integers(out + "/parts", {0, 0, 3, heads, width / heads})}, out + "/split");
    const std::string packed =
        model_.node("Transpose", {split}, out + "/packed", {{"perm", std::vector<std::int64_t>{2, 0, 3, 1, 4}}});
    const auto part = [&](const char* name, std::int64_t index) {
      return model_.node("Gather", {packed, model_.index(out + "/index_" + name, index)}, out + "/" + name,
                         {{"axis", std::int64_t{0}}});
    };
    const std::string q = part("q", 0), k = part("k", 1), v = part("v", 2);
    const std::string turned =
        model_.node("Transpose", {k}, out + "/k_turned", {{"perm", std::vector<std::int64_t>{0, 1, 3, 2}}});
    const std::int64_t head_width = width / heads;
    const float scale = 1 / std::sqrt(static_cast<float>(head_width));
    const std::string logits = model_.node(
        "Mul", {model_.node("MatMul", {q, turned}, out + "/products"), model_.number(out + "/scale", scale)},
        out + "/logits");
    const std::string shares = model_.node("Softmax", {logits}, out + "/shares", {{"axis", std::int64_t{-1}}});
    const std::string mixed = model_.node("MatMul", {shares, v}, out + "/mixed");
    const std::string joined =
        model_.node("Transpose", {mixed}, out + "/joined", {{"perm", std::vector<std::int64_t>{0, 2, 1, 3}}});
    return model_.node("Reshape", {joined, model_.integers(out + "/shape", {0, 0, width})}, out);
  }

  // Patches [N, D, GH, GW] to [N, T, D] behind the class token, which is repeated for each image.
  std::string embed_tokens(const Node& node, const std::string& out) {
    const std::int64_t width = width_of(node.outputs[0]);
    const std::string rows =
        model_.node("Reshape", {input(node, 0), model_.integers(out + "/grid", {0, width, -1})}, out + "/rows");
    const std::string patches =
        model_.node("Transpose", {rows}, out + "/patches", {{"perm", std::vector<std::int64_t>{0, 2, 1}}});
    const std::string batch =
        model_.node("Shape", {patches}, out + "/batch", {{"start", std::int64_t{0}}, {"end", std::int64_t{1}}});
    const std::string shape = model_.node("Concat", {batch, model_.integers(out + "/token", {1, width})},
                                          out + "/shape", {{"axis", std::int64_t{0}}});
    const std::string token = model_.node("Expand", {input(node, 1), shape}, out + "/class");
    const std::string all = model_.node("Concat", {token, patches}, out + "/all", {{"axis", std::int64_t{1}}});
    return model_.node("Add", {all, input(node, 2)}, out);
  }

  const graph::Graph& graph_;
  OnnxModel model_;
  std::vector<std::string> names_;
};

}  // namespace

OnnxModel to_onnx(const graph::Graph& graph, const FindData& find_data, const std::string& name) {
  GYRUS_ASSERT(graph.outputs().size() == 1);
  return Translator(graph, find_data, name).take();
}

}  // namespace gyrus::exporting
