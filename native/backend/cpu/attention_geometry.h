// The extents of an attention node of either kind, and where one head's matrices lie in its arrays.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "backend/cpu/node_context.h"

namespace gyrus::backend::cpu {

struct AttentionGeometry {
  std::int64_t n = 0, t = 0, d = 0, heads = 0;
  DType dtype = DType::f32;

  std::int64_t hd() const { return d / heads; }
  float scale() const { return 1.0F / std::sqrt(static_cast<float>(hd())); }

  // Start of a head's Q, K or V (part 0, 1, 2) in qkv [N, T, 3D].
  std::byte* qkv(void* base, std::int64_t head, int part) const {
    const std::int64_t offset = head / heads * t * 3 * d + part * d + head % heads * hd();
    return static_cast<std::byte*>(base) + offset * size_of(dtype);
  }
  // In y or dy [N, T, D].
  std::byte* y(void* base, std::int64_t head) const {
    return static_cast<std::byte*>(base) + (head / heads * t * d + head % heads * hd()) * size_of(dtype);
  }
  // In probabilities [N, heads, T, T].
  std::byte* square(void* base, std::int64_t head) const {
    return static_cast<std::byte*>(base) + head * t * t * size_of(dtype);
  }
};

// `y` is the shape of the attention's output, whatever the node itself reads and writes.
inline AttentionGeometry attention_geometry(const NodeContext& node, const Shape& y) {
  return {y[0], y[1], y[2], node.attrs<graph::AttentionAttrs>().heads, node.in_type(0).dtype};
}

}  // namespace gyrus::backend::cpu
