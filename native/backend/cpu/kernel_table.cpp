#include "backend/cpu/kernel_table.h"

#include <array>

#include "backend/cpu/amx/gelu_grad.h"
#include "backend/cpu/attention.h"
#include "backend/cpu/dnnl/conv2d.h"
#include "backend/cpu/dnnl/dnnl_factory.h"
#include "backend/cpu/dnnl/linear.h"
#include "backend/cpu/simd/adamw_update.h"
#include "backend/cpu/simd/add.h"
#include "backend/cpu/simd/batch_norm.h"
#include "backend/cpu/simd/batch_norm_grad.h"
#include "backend/cpu/simd/batch_norm_inference.h"
#include "backend/cpu/simd/cast.h"
#include "backend/cpu/simd/concat_rows.h"
#include "backend/cpu/simd/ema_update.h"
#include "backend/cpu/simd/embed_tokens.h"
#include "backend/cpu/simd/fill.h"
#include "backend/cpu/simd/gelu.h"
#include "backend/cpu/simd/global_avg_pool.h"
#include "backend/cpu/simd/gradient_accumulate.h"
#include "backend/cpu/simd/l2_normalize.h"
#include "backend/cpu/simd/lars_update.h"
#include "backend/cpu/simd/layer_norm.h"
#include "backend/cpu/simd/layer_norm_grad.h"
#include "backend/cpu/simd/max_pool.h"
#include "backend/cpu/simd/relu.h"
#include "backend/cpu/simd/scale_rows.h"
#include "backend/cpu/simd/select_token.h"
#include "backend/cpu/simd/sgd_update.h"
#include "backend/cpu/simd/soft_cross_entropy.h"
#include "backend/cpu/simd/softmax_cross_entropy.h"
#include "backend/cpu/simd/sum_rows.h"
#include "backend/cpu/simd/to_channels_last.h"

namespace gyrus::backend::cpu {
namespace {

using graph::OpKind;

// For the makers whose kernels read every input as it lies in memory.
template <std::unique_ptr<Kernel> (*make)(const NodeContext&)>
LoweredKernel plain(const NodeContext& node) {
  return {make(node), {}};
}

LoweredKernel choose_gelu_grad(const NodeContext& node) {
  const graph::ValueType& dy = node.in_type(0);
  if (dy.dtype == DType::bf16 && cpu_has_amx()) return {amx::make_gelu_grad(dy.shape.elements(), node.threads), {}};
  return {make_gelu_grad(node), {}};
}

struct Row {
  OpKind kind;
  KernelMaker maker;
};

constexpr std::array kRows{
    Row{OpKind::to_channels_last, plain<make_to_channels_last>},
    Row{OpKind::cast, plain<make_cast>},
    Row{OpKind::fill, plain<make_fill>},
    Row{OpKind::conv2d, make_conv2d},
    Row{OpKind::conv2d_grad_input, make_conv2d_grad_input},
    Row{OpKind::conv2d_grad_weight, make_conv2d_grad_weight},
    Row{OpKind::linear, make_linear},
    Row{OpKind::linear_grad_input, make_linear_grad_input},
    Row{OpKind::linear_grad_weight, make_linear_grad_weight},
    Row{OpKind::sum_rows, plain<make_sum_rows>},
    Row{OpKind::batch_norm, plain<make_batch_norm>},
    Row{OpKind::batch_norm_grad, plain<make_batch_norm_grad>},
    Row{OpKind::batch_norm_inference, plain<make_batch_norm_inference>},
    Row{OpKind::layer_norm, plain<make_layer_norm>},
    Row{OpKind::layer_norm_grad, plain<make_layer_norm_grad>},
    Row{OpKind::relu, plain<make_relu>},
    Row{OpKind::relu_grad, plain<make_relu_grad>},
    Row{OpKind::gelu, plain<make_gelu>},
    Row{OpKind::gelu_grad, choose_gelu_grad},
    Row{OpKind::add, plain<make_add>},
    Row{OpKind::scale_rows, plain<make_scale_rows>},
    Row{OpKind::max_pool, plain<make_max_pool>},
    Row{OpKind::max_pool_grad, plain<make_max_pool_grad>},
    Row{OpKind::global_avg_pool, plain<make_global_avg_pool>},
    Row{OpKind::global_avg_pool_grad, plain<make_global_avg_pool_grad>},
    Row{OpKind::attention, make_attention},
    Row{OpKind::attention_grad, make_attention_grad},
    Row{OpKind::embed_tokens, plain<make_embed_tokens>},
    Row{OpKind::embed_tokens_grad, plain<make_embed_tokens_grad>},
    Row{OpKind::concat_rows, plain<make_concat_rows>},
    Row{OpKind::concat_rows_grad, plain<make_concat_rows_grad>},
    Row{OpKind::select_token, plain<make_select_token>},
    Row{OpKind::select_token_grad, plain<make_select_token_grad>},
    Row{OpKind::l2_normalize, plain<make_l2_normalize>},
    Row{OpKind::l2_normalize_grad, plain<make_l2_normalize_grad>},
    Row{OpKind::softmax_cross_entropy, plain<make_softmax_cross_entropy>},
    Row{OpKind::softmax_cross_entropy_grad, plain<make_softmax_cross_entropy_grad>},
    Row{OpKind::gradient_accumulate, plain<make_gradient_accumulate>},
    Row{OpKind::soft_cross_entropy, plain<make_soft_cross_entropy>},
    Row{OpKind::soft_cross_entropy_grad, plain<make_soft_cross_entropy_grad>},
    Row{OpKind::sgd_update, plain<make_sgd_update>},
    Row{OpKind::adamw_update, plain<make_adamw_update>},
    Row{OpKind::lars_update, plain<make_lars_update>},
    Row{OpKind::ema_update, plain<make_ema_update>},
};
static_assert(kRows.size() == graph::kOpKindCount, "every kind of op_kind.h needs a row");

}  // namespace

KernelMaker kernel_maker(OpKind kind) {
  for (const Row& row : kRows) {
    if (row.kind == kind) return row.maker;
  }
  throw Error(Code::internal, text("the CPU backend has no kernel for ", graph::name_of(kind)));
}

}  // namespace gyrus::backend::cpu
