// The only place that lists the kinds of operation. op_table.cpp maps each to its OpDef; each backend's
// kernel_table.cpp maps each to a kernel; a test walks this list and demands both.
#pragma once

#include <cstdint>
#include <string_view>

namespace gyrus::graph {

#define GYRUS_OP_KINDS(X)       \
  X(to_channels_last)           \
  X(cast)                       \
  X(fill)                       \
  X(conv2d)                     \
  X(conv2d_grad_input)          \
  X(conv2d_grad_weight)         \
  X(linear)                     \
  X(linear_grad_input)          \
  X(linear_grad_weight)         \
  X(sum_rows)                   \
  X(batch_norm)                 \
  X(batch_norm_grad)            \
  X(batch_norm_inference)       \
  X(layer_norm)                 \
  X(layer_norm_grad)            \
  X(relu)                       \
  X(relu_grad)                  \
  X(gelu)                       \
  X(gelu_grad)                  \
  X(add)                        \
  X(scale_rows)                 \
  X(max_pool)                   \
  X(max_pool_grad)              \
  X(global_avg_pool)            \
  X(global_avg_pool_grad)       \
  X(attention)                  \
  X(attention_grad)             \
  X(embed_tokens)               \
  X(embed_tokens_grad)          \
  X(concat_rows)                \
  X(concat_rows_grad)           \
  X(select_token)               \
  X(select_token_grad)          \
  X(l2_normalize)               \
  X(l2_normalize_grad)          \
  X(softmax_cross_entropy)      \
  X(softmax_cross_entropy_grad) \
  X(gradient_accumulate)        \
  X(soft_cross_entropy)         \
  X(soft_cross_entropy_grad)    \
  X(sgd_update)                 \
  X(adamw_update)               \
  X(lars_update)                \
  X(ema_update)

enum class OpKind : std::uint8_t {
#define GYRUS_OP_ENUM(name) name,
  GYRUS_OP_KINDS(GYRUS_OP_ENUM)
#undef GYRUS_OP_ENUM
};

#define GYRUS_OP_COUNT(name) +1
inline constexpr int kOpKindCount = 0 GYRUS_OP_KINDS(GYRUS_OP_COUNT);
#undef GYRUS_OP_COUNT

std::string_view name_of(OpKind kind);

}  // namespace gyrus::graph
