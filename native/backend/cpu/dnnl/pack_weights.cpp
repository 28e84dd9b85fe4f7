#include "backend/cpu/dnnl/pack_weights.h"

#include <vector>

#include "backend/cpu/dnnl/primitive_sequence.h"
#include "backend/cpu/simd/pack_pairs.h"

namespace gyrus::backend::cpu {
namespace {

using ::dnnl::memory;

// Convolutions: [O, I, H, W] to AcdB<block>a2b or BcdA<block>b2a, as oneDNN calls them.
std::optional<PairsShape> convolution_pairs(const memory::desc& plain, const memory::desc& wanted) {
  const memory::dims dims = plain.get_dims(), blocks = wanted.get_inner_blks(), axes = wanted.get_inner_idxs();
  if (dims.size() != 4 || plain != memory::desc(dims, memory::data_type::f32, memory::format_tag::oihw)) return {};
  if (blocks.size() != 2 || blocks[1] != 2) return {};
  const bool has_rows_side_by_side = axes[0] == 0;
  const std::size_t sides = has_rows_side_by_side ? 0 : 1, paired = 1 - sides;
  if (axes[1] != static_cast<std::int64_t>(paired)) return {};
  const PairsShape shape{
      dims[0], dims[1], dims[2] * dims[3], has_rows_side_by_side, blocks[0], wanted.get_padded_dims()[paired] / 2};
  const std::int64_t tap = shape.pairs * shape.block * 2;
  memory::dims strides(4);
  strides[sides] = shape.taps * tap;
  strides[paired] = shape.block * 2;
  strides[2] = dims[3] * tap;
  strides[3] = tap;
  if (wanted.get_strides() != strides) return {};
  return shape;
}

// Products: the right factor [K, N], in memory either way round, to BA<steps>a<block>b2a.
std::optional<PairsShape> product_pairs(const memory::desc& plain, const memory::desc& wanted) {
  const memory::dims dims = plain.get_dims(), blocks = wanted.get_inner_blks();
  if (dims.size() != 2 || blocks.size() != 3 || blocks[2] != 2) return {};
  if (wanted.get_inner_idxs() != memory::dims{0, 1, 0}) return {};
  const bool is_transposed = plain.get_strides() == memory::dims{1, dims[0]};
  if (!is_transposed && plain.get_strides() != memory::dims{dims[1], 1}) return {};
  const std::int64_t depth = wanted.get_padded_dims()[0];
  if (wanted.get_strides() != memory::dims{2 * blocks[0] * blocks[1], depth * blocks[1]}) return {};
  return PairsShape{
      is_transposed ? dims[1] : dims[0], is_transposed ? dims[0] : dims[1], 1, is_transposed, blocks[1], depth / 2};
}

std::optional<PairsShape> pairs_shape(const memory::desc& plain, const memory::desc& wanted) {
  const bool are_types =
      plain.get_data_type() == memory::data_type::f32 && wanted.get_data_type() == memory::data_type::bf16;
  if (!are_types || wanted.get_format_kind() != memory::format_kind::blocked) return {};
  std::optional<PairsShape> shape = convolution_pairs(plain, wanted);
  if (!shape) shape = product_pairs(plain, wanted);
  if (!shape || shape->block % 16 != 0 || shape->bytes() != static_cast<std::int64_t>(wanted.get_size())) return {};
  return can_pack_pairs(*shape) ? shape : std::nullopt;
}

std::unique_ptr<Kernel> make_pack(const std::shared_ptr<const DnnlEngine>& engine, const std::string& name,
                                  const memory::desc& plain, const memory::desc& wanted) {
  auto kernel = std::make_unique<PrimitiveSequence>(engine, name);
  with_dnnl_errors(text("preparing ", name), [&] {
    const ::dnnl::reorder::primitive_desc reorder(engine->engine(), plain, engine->engine(), wanted, dnnl_attributes());
    kernel->add(::dnnl::reorder(reorder), {{DNNL_ARG_FROM, plain, input(0)}, {DNNL_ARG_TO, wanted, output(0)}},
                reorder.scratchpad_desc());
  });
  return kernel;
}

}  // namespace

std::optional<PackRequest> request_pack(const NodeContext& node, std::size_t at, const memory::desc& plain,
                                        const memory::desc& wanted) {
  if (plain == wanted) return std::nullopt;
  const std::string format = format_key(plain) + " -> " + format_key(wanted);
  const auto bytes = static_cast<std::int64_t>(wanted.get_size());
  // oneDNN's own reorders take two to four times as long (docs/decisions.md, 29).
  if (const std::optional<PairsShape> pairs = pairs_shape(plain, wanted)) {
    return PackRequest{at, format, bytes,
                       [shape = *pairs, threads = node.threads] { return make_pack_pairs(shape, threads); }};
  }
  return PackRequest{at, format, bytes, [engine = node.dnnl, name = "pack " + node.in(at).name, plain, wanted] {
                       return make_pack(engine, name, plain, wanted);
                     }};
}

}  // namespace gyrus::backend::cpu
