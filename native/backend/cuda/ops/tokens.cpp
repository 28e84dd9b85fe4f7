// Sequences of tokens: from patches, and one of them out; two matrices one below the other.
#include "backend/cuda/kernels/concat_rows.h"
#include "backend/cuda/kernels/embed_tokens.h"
#include "backend/cuda/kernels/select_token.h"
#include "backend/cuda/launch.h"
#include "backend/cuda/ops/makers.h"

namespace gyrus::backend::cuda {
namespace {

// `sequence`: [N, T, D].
template <class Args>
Args token_args(const Shape& sequence, DType dtype) {
  Args args;
  args.dtype = dtype;
  args.images = sequence[0];
  args.tokens = sequence[1];
  args.width = sequence[2];
  return args;
}

}  // namespace

LoweredKernel make_embed_tokens(const NodeContext& node) {
  const auto args = token_args<EmbedTokensArgs>(node.out_shape(0), node.in_type(0).dtype);
  return {launch(node, args, embed_tokens_forward,
                 [](EmbedTokensArgs& a, const KernelArgs& k) {
                   a.patches = k.in[0];
                   a.cls = floats(k.in[1]);
                   a.pos = floats(k.in[2]);
                   a.y = floats(k.out[0]);
                 }),
          {}};
}

LoweredKernel make_embed_tokens_grad(const NodeContext& node) {
  const auto args = token_args<EmbedTokensBackwardArgs>(node.in_shape(0), node.in_type(0).dtype);
  const auto place = [](EmbedTokensBackwardArgs& a, const KernelArgs& k) {
    a.dy = k.in[0];
    a.dpatches = k.out[0];
    a.dcls = floats(k.out[1]);
    a.dpos = floats(k.out[2]);
    a.scratch = k.scratch;
  };
  return {launch(node, args, embed_tokens_backward, place, embed_tokens_backward_scratch_bytes(args)), {}};
}

LoweredKernel make_concat_rows(const NodeContext& node) {
  ConcatRowsArgs args;
  args.dtype = node.in_type(0).dtype;
  args.a_rows = node.in_shape(0)[0];
  args.b_rows = node.in_shape(1)[0];
  args.width = node.in_shape(0)[1];
  return {launch(node, args, concat_rows_forward,
                 [](ConcatRowsArgs& a, const KernelArgs& k) {
                   a.a = k.in[0];
                   a.b = k.in[1];
                   a.y = k.out[0];
                 }),
          {}};
}

LoweredKernel make_concat_rows_grad(const NodeContext& node) {
  ConcatRowsBackwardArgs args;
  args.dtype = node.in_type(0).dtype;
  args.a_rows = node.out_shape(0)[0];
  args.b_rows = node.out_shape(1)[0];
  args.width = node.in_shape(0)[1];
  return {launch(node, args, concat_rows_backward,
                 [](ConcatRowsBackwardArgs& a, const KernelArgs& k) {
                   a.dy = k.in[0];
                   a.da = k.out[0];
                   a.db = k.out[1];
                 }),
          {}};
}

LoweredKernel make_select_token(const NodeContext& node) {
  auto args = token_args<SelectTokenArgs>(node.in_shape(0), node.in_type(0).dtype);
  args.index = node.attrs<graph::TokenAttrs>().index;
  return {launch(node, args, select_token_forward,
                 [](SelectTokenArgs& a, const KernelArgs& k) {
                   a.x = k.in[0];
                   a.y = k.out[0];
                 }),
          {}};
}

LoweredKernel make_select_token_grad(const NodeContext& node) {
  auto args = token_args<SelectTokenBackwardArgs>(node.out_shape(0), node.in_type(0).dtype);
  args.index = node.attrs<graph::TokenAttrs>().index;
  return {launch(node, args, select_token_backward,
                 [](SelectTokenBackwardArgs& a, const KernelArgs& k) {
                   a.dy = k.in[0];
                   a.dx = k.out[0];
                 }),
          {}};
}

}  // namespace gyrus::backend::cuda
