#include "graph/dump.h"

#include <concepts>
#include <utility>

#include "core/error.h"

namespace gyrus::graph {
namespace {

std::string_view text_of(DType dtype) { return name_of(dtype); }

std::string_view text_of(Activation activation) {
  switch (activation) {
    case Activation::none:
      return "none";
    case Activation::gelu:
      return "gelu";
  }
  return "?";
}

std::string_view text_of(LarsVariant variant) {
  switch (variant) {
    case LarsVariant::moco_v3:
      return "moco_v3";
    case LarsVariant::solo_learn:
      return "solo_learn";
  }
  return "?";
}

std::string_view text_of(bool flag) { return flag ? "true" : "false"; }

template <class Number>
requires(std::integral<Number> || std::floating_point<Number>) std::string text_of(Number number) {
  return text(number);
}

// Collects "name=value" for the fields that are not at their default.
class Fields {
 public:
  template <class Field>
  Fields& add(std::string_view name, Field found, Field usual) {
    if (found != usual) out_ += text(out_.empty() ? "" : " ", name, "=", text_of(found));
    return *this;
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

std::string fields_of(const NoAttrs&) { return {}; }

std::string fields_of(const CastAttrs& a) { return text("dtype=", name_of(a.dtype)); }

std::string fields_of(const FillAttrs& a) { return text("value=", a.value); }

std::string fields_of(const Conv2dAttrs& a) {
  const Conv2dAttrs usual;
  return Fields()
      .add("stride", a.stride, usual.stride)
      .add("padding", a.padding, usual.padding)
      .add("input_height", a.input_height, usual.input_height)
      .add("input_width", a.input_width, usual.input_width)
      .add("kernel_height", a.kernel_height, usual.kernel_height)
      .add("kernel_width", a.kernel_width, usual.kernel_width)
      .take();
}

std::string fields_of(const LinearAttrs& a) {
  return Fields().add("activation", a.activation, LinearAttrs{}.activation).take();
}

std::string fields_of(const BatchNormAttrs& a) {
  const BatchNormAttrs usual;
  return Fields()
      .add("eps", a.eps, usual.eps)
      .add("momentum", a.momentum, usual.momentum)
      .add("has_affine", a.has_affine, usual.has_affine)
      .add("has_running", a.has_running, usual.has_running)
      .add("has_residual", a.has_residual, usual.has_residual)
      .add("has_relu", a.has_relu, usual.has_relu)
      .add("has_addend", a.has_addend, usual.has_addend)
      .take();
}

std::string fields_of(const LayerNormAttrs& a) {
  const LayerNormAttrs usual;
  return Fields()
      .add("eps", a.eps, usual.eps)
      .add("dtype", a.dtype, usual.dtype)
      .add("has_residual", a.has_residual, usual.has_residual)
      .add("has_addend", a.has_addend, usual.has_addend)
      .add("has_rounded", a.has_rounded, usual.has_rounded)
      .take();
}

std::string fields_of(const PoolAttrs& a) {
  const PoolAttrs usual;
  return Fields()
      .add("kernel", a.kernel, usual.kernel)
      .add("stride", a.stride, usual.stride)
      .add("padding", a.padding, usual.padding)
      .add("input_height", a.input_height, usual.input_height)
      .add("input_width", a.input_width, usual.input_width)
      .take();
}

std::string fields_of(const AttentionAttrs& a) { return text("heads=", a.heads); }

std::string fields_of(const ConcatAttrs& a) {
  return Fields().add("first", a.first, ConcatAttrs().first).add("second", a.second, ConcatAttrs().second).take();
}
std::string fields_of(const TokenAttrs& a) {
  const TokenAttrs usual;
  return Fields()
      .add("index", a.index, usual.index)
      .add("tokens", a.tokens, usual.tokens)
      .add("grid_height", a.grid_height, usual.grid_height)
      .take();
}

std::string fields_of(const RowScaleAttrs& a) { return text("branch=", a.branch); }

std::string fields_of(const L2NormalizeAttrs& a) {
  const L2NormalizeAttrs usual;
  return Fields().add("eps", a.eps, usual.eps).add("grad_dtype", a.grad_dtype, usual.grad_dtype).take();
}

std::string fields_of(const CrossEntropyAttrs& a) {
  const CrossEntropyAttrs usual;
  return Fields()
      .add("logit_scale", a.logit_scale, usual.logit_scale)
      .add("loss_scale", a.loss_scale, usual.loss_scale)
      .add("label_smoothing", a.label_smoothing, usual.label_smoothing)
      .add("labels_are_diagonal", a.labels_are_diagonal, usual.labels_are_diagonal)
      .add("diagonal_offset", a.diagonal_offset, usual.diagonal_offset)
      .add("excludes_self", a.excludes_self, usual.excludes_self)
      .take();
}

std::string fields_of(const SgdAttrs& a) {
  const SgdAttrs usual;
  return Fields()
      .add("momentum", a.momentum, usual.momentum)
      .add("dampening", a.dampening, usual.dampening)
      .add("nesterov", a.nesterov, usual.nesterov)
      .take();
}

std::string fields_of(const AdamwAttrs& a) {
  const AdamwAttrs usual;
  return Fields()
      .add("beta1", a.beta1, usual.beta1)
      .add("beta2", a.beta2, usual.beta2)
      .add("eps", a.eps, usual.eps)
      .take();
}

std::string fields_of(const LarsAttrs& a) {
  const LarsAttrs usual;
  return Fields()
      .add("variant", a.variant, usual.variant)
      .add("momentum", a.momentum, usual.momentum)
      .add("trust", a.trust, usual.trust)
      .add("eps", a.eps, usual.eps)
      .add("clip", a.clip, usual.clip)
      .take();
}

// "%3 act/conv1 [2, 8, 8, 4] f32"
std::string declare(const Graph& graph, ValueId id) {
  const Value& value = graph.value(id);
  return text("%", id.index, " ", value.name, " ", value.shape(), " ", name_of(value.dtype()));
}

}  // namespace

std::string dump(const Attrs& attrs) {
  return std::visit([](const auto& held) { return fields_of(held); }, attrs);
}

std::string dump(const Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  std::string out;
  for (const ValueId output : node.outputs) out += text(out.empty() ? "" : ", ", declare(graph, output));
  out += text(out.empty() ? "" : " = ", name_of(node.kind), "(");
  for (std::size_t i = 0; i < node.inputs.size(); ++i) out += text(i == 0 ? "%" : ", %", node.inputs[i].index);
  const std::string fields = dump(node.attrs);
  return text(out, fields.empty() ? ")" : ") ", fields);
}

std::string dump(const Graph& graph) {
  std::string out;
  for (std::size_t v = 0; v < graph.values().size(); ++v) {
    const ValueId id{static_cast<std::int32_t>(v)};
    if (!graph.value(id).producer.is_valid()) out += declare(graph, id) + "\n";
  }
  for (std::size_t n = 0; n < graph.nodes().size(); ++n) {
    out += dump(graph, NodeId{static_cast<std::int32_t>(n)}) + "\n";
  }
  for (const Graph::Output& output : graph.outputs()) {
    out += text("output ", output.name, " = %", output.value.index, "\n");
  }
  return out;
}

}  // namespace gyrus::graph
