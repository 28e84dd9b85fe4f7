#include "backend/cpu/dnnl/pack_weights.h"

#include "backend/cpu/dnnl/primitive_sequence.h"

namespace gyrus::backend::cpu {
namespace {

using ::dnnl::memory;

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
  return PackRequest{at, format_key(plain) + " -> " + format_key(wanted), static_cast<std::int64_t>(wanted.get_size()),
                     [engine = node.dnnl, name = "pack " + node.in(at).name, plain, wanted] {
                       return make_pack(engine, name, plain, wanted);
                     }};
}

}  // namespace gyrus::backend::cpu
