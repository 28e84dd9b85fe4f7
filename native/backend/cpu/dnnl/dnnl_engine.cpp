#include "backend/cpu/dnnl/dnnl_engine.h"

#include <sstream>

#include "backend/cpu/simd/supported_targets.h"
#include "backend/cpu/threads.h"

namespace gyrus::backend::cpu {

std::shared_ptr<const DnnlEngine> make_dnnl_engine(int threads) {
  use_threads(threads);
  return with_dnnl_errors("making its CPU engine", [&] { return std::make_shared<const DnnlEngine>(threads); });
}

bool cpu_has_bf16() {
  using ::dnnl::cpu_isa;
  switch (::dnnl::get_effective_cpu_isa()) {
    case cpu_isa::avx512_core_bf16:
    case cpu_isa::avx512_core_fp16:
    case cpu_isa::avx512_core_amx:
    case cpu_isa::avx512_core_amx_fp16:
      return true;
    case cpu_isa::avx2_vnni_2:  // converts bf16 quickly, but oneDNN has forward kernels only: training would be slow
    case cpu_isa::isa_default:
    case cpu_isa::sse41:
    case cpu_isa::avx:
    case cpu_isa::avx2:
    case cpu_isa::avx2_vnni:
    case cpu_isa::avx512_core:
    case cpu_isa::avx512_core_vnni:
      return false;
  }
  return false;
}

bool cpu_has_amx() {
  // Once oneDNN has looked for AMX the system has been asked to keep the tiles' state for this process.
  const auto isa = ::dnnl::get_effective_cpu_isa();
  return isa == ::dnnl::cpu_isa::avx512_core_amx || isa == ::dnnl::cpu_isa::avx512_core_amx_fp16;
}

bool widens_bf16() { return !cpu_has_amx() && __builtin_cpu_is("intel") != 0; }

bool multiplies_pairs() { return cpu_has_bf16() && !widens_bf16() && has_long_vectors(); }

::dnnl::memory::data_type dnnl_type(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return ::dnnl::memory::data_type::f32;
    case DType::bf16:
      return ::dnnl::memory::data_type::bf16;
    case DType::f64:
    case DType::i32:
    case DType::u8:
      break;
  }
  throw Error(Code::dtype, text("the CPU backend computes in f32 or bf16, not in ", name_of(dtype)));
}

::dnnl::primitive_attr dnnl_attributes() {
  ::dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(::dnnl::scratchpad_mode::user);
  attributes.set_fpmath_mode(::dnnl::fpmath_mode::strict);
  return attributes;
}

std::string format_key(const ::dnnl::memory::desc& desc) {
  std::ostringstream key;
  key << static_cast<int>(desc.get_data_type()) << '|' << desc.get_submemory_offset();
  const auto append = [&key](const char* what, const ::dnnl::memory::dims& dims) {
    key << '|' << what;
    for (const auto extent : dims) key << ' ' << extent;
  };
  append("dims", desc.get_dims());
  append("padded", desc.get_padded_dims());
  append("offsets", desc.get_padded_offsets());
  append("strides", desc.get_strides());
  append("blocks", desc.get_inner_blks());
  append("axes", desc.get_inner_idxs());
  return std::move(key).str();
}

std::string preparing(const NodeContext& node) {
  return text("preparing ", graph::name_of(node.node.kind), " ", node.node.name);
}

}  // namespace gyrus::backend::cpu
