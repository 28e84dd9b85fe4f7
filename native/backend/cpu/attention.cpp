// Each thread takes whole heads, whose [T, T] matrices (155 KB in f32 at T = 197) stay in its L2 cache: three to five
// times as fast as products over the whole batch, which move them through memory. Which kernel: AMX's tiles, pairs of
// bf16 where the processor multiplies them fast, f32 arithmetic otherwise.
#include "backend/cpu/attention.h"

#include "backend/cpu/amx/attention.h"
#include "backend/cpu/attention_geometry.h"
#include "backend/cpu/dnnl/dnnl_engine.h"
#include "backend/cpu/simd/attention.h"
#include "backend/cpu/simd/paired_attention.h"

namespace gyrus::backend::cpu {
namespace {

bool takes_pairs(const AttentionGeometry& g) { return takes_paired_attention(g) && multiplies_pairs(); }

}  // namespace

LoweredKernel make_attention(const NodeContext& node) {
  const AttentionGeometry g = attention_geometry(node, node.out_shape(0));
  if (cpu_has_amx() && amx::takes_attention(g)) return {amx::make_attention(g, node.threads), {}};
  if (takes_pairs(g)) return {make_paired_attention(g, node.threads), {}};
  return {make_tiled_attention(g, node.threads), {}};
}

LoweredKernel make_attention_grad(const NodeContext& node) {
  const AttentionGeometry g = attention_geometry(node, node.in_shape(0));
  if (cpu_has_amx() && amx::takes_attention(g)) return {amx::make_attention_grad(g, node.threads), {}};
  if (takes_pairs(g)) return {make_paired_attention_grad(g, node.threads), {}};
  return {make_tiled_attention_grad(g, node.threads), {}};
}

}  // namespace gyrus::backend::cpu
