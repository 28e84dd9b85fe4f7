// From a grid of patches to tokens: a class token in front, positions added. The tokens are f32 whatever the patches
// are: they open the residual stream, which sums up to two branches a block and would lose what it rounds each time.
// The gradient takes dy, as wide as the stream, apart again: dpatches = rows 1.. of dy, dpos = sum over the batch of
// dy, dcls = its row 0.
#include <utility>

#include "graph/ops.h"
#include "graph/ops/registry.h"
#include "graph/ops/rules.h"

namespace gyrus::graph {
namespace {

std::vector<ValueType> infer_embed(const Attrs& attrs, std::span<const ValueType> in) {
  const std::string_view op = name_of(OpKind::embed_tokens);
  const auto& a = attrs_as<TokenAttrs>(op, attrs);
  check_input_count(op, in, 3, 3);
  check_rank(op, "patches [N, GH, GW, D]", in[0], 4);
  check_float(op, "patches", in[0]);
  const Shape& patches = in[0].shape;
  const std::int64_t tokens = patches[1] * patches[2] + 1;
  GYRUS_CHECK(a.tokens == tokens && a.grid_height == patches[1], Code::internal, op, ": the attributes say ", a.tokens,
              " tokens from ", a.grid_height, " rows, but the patches are ", patches);
  check_f32(op, "cls [1, 1, D]", in[1], {1, 1, patches[3]});
  check_f32(op, "pos [1, T, D], T = GH GW + 1", in[2], {1, tokens, patches[3]});
  return {{{patches[0], tokens, patches[3]}, DType::f32}};
}

std::vector<ValueType> infer_embed_grad(const Attrs& attrs, std::span<const ValueType> in) {
  const std::string_view op = name_of(OpKind::embed_tokens_grad);
  const auto& a = attrs_as<TokenAttrs>(op, attrs);
  check_input_count(op, in, 1, 1);
  check_rank(op, "dy [N, T, D]", in[0], 3);
  check_float(op, "dy", in[0]);
  const Shape& dy = in[0].shape;
  check_shape(op, "dy", in[0], {dy[0], a.tokens, dy[2]});
  GYRUS_CHECK(a.tokens >= 1 && a.grid_height >= 1 && (a.tokens - 1) % a.grid_height == 0, Code::internal, op, ": ",
              a.tokens, " tokens are not one class token and a grid of ", a.grid_height, " rows");
  const std::int64_t grid_width = (a.tokens - 1) / a.grid_height;
  return {{{dy[0], a.grid_height, grid_width, dy[2]}, in[0].dtype},
          {{1, 1, dy[2]}, DType::f32},
          {{1, a.tokens, dy[2]}, DType::f32}};
}

void gradient(GradientScope& scope) {
  if (!reached(scope, 0) || (!scope.wanted[0] && !scope.wanted[1] && !scope.wanted[2])) return;
  const NodeId grad = scope.add(OpKind::embed_tokens_grad, scope.node.attrs, {scope.grad_out[0]}, "grad");
  for (int i = 0; i < 3; ++i) {
    const auto at = static_cast<std::size_t>(i);
    if (scope.wanted[at]) scope.grad_in[at] = scope.graph.output(grad, i);
  }
  if (scope.wanted[0]) {
    scope.grad_in[0] = gradient_as(scope, scope.grad_in[0], scope.graph.value(scope.node.inputs[0]).dtype());
  }
}

Work work(const Attrs&, std::span<const ValueType> in, std::span<const ValueType> out) {
  return memory_bound_work(in, out);
}

}  // namespace

ValueId embed_tokens(Graph& graph, ValueId patches, ValueId cls, ValueId pos, std::string name) {
  const ValueType& type = graph.value(patches).type;
  check_rank(text(name_of(OpKind::embed_tokens), " ", name), "patches [N, GH, GW, D]", type, 4);
  const TokenAttrs attrs{.tokens = type.shape[1] * type.shape[2] + 1, .grid_height = type.shape[1]};
  return graph.output(graph.add_node(OpKind::embed_tokens, attrs, {patches, cls, pos}, std::move(name)));
}

namespace defs {

constinit const OpDef embed_tokens{
    .kind = OpKind::embed_tokens, .infer = infer_embed, .gradient = gradient, .work = work};
constinit const OpDef embed_tokens_grad{.kind = OpKind::embed_tokens_grad, .infer = infer_embed_grad, .work = work};

}  // namespace defs
}  // namespace gyrus::graph
