#include "backend/cpu/dnnl/library_info.h"

#include <dlfcn.h>

#include <oneapi/dnnl/dnnl.hpp>

#include "core/error.h"

namespace gyrus::backend::cpu {
namespace {

const char* isa_name() {
  using ::dnnl::cpu_isa;
  switch (::dnnl::get_effective_cpu_isa()) {
    case cpu_isa::isa_default:
      return "none chosen yet";
    case cpu_isa::sse41:
      return "SSE4.1";
    case cpu_isa::avx:
      return "AVX";
    case cpu_isa::avx2:
      return "AVX2";
    case cpu_isa::avx2_vnni:
      return "AVX2 with VNNI";
    case cpu_isa::avx2_vnni_2:
      return "AVX2 with VNNI 2";
    case cpu_isa::avx512_core:
      return "AVX-512";
    case cpu_isa::avx512_core_vnni:
      return "AVX-512 with VNNI";
    case cpu_isa::avx512_core_bf16:
      return "AVX-512 with bf16";
    case cpu_isa::avx512_core_fp16:
      return "AVX-512 with bf16 and fp16";
    case cpu_isa::avx512_core_amx:
      return "AMX with bf16";
    case cpu_isa::avx512_core_amx_fp16:
      return "AMX with bf16 and fp16";
  }
  return "unknown";
}

const char* threading_name(unsigned runtime) {
  switch (runtime) {
    case DNNL_RUNTIME_OMP:
      return "OpenMP";
    case DNNL_RUNTIME_SEQ:
      return "sequential";
    case DNNL_RUNTIME_TBB:
      return "TBB";
    case DNNL_RUNTIME_THREADPOOL:
      return "thread pool";
    default:
      return "unknown";
  }
}

}  // namespace

DnnlLibraryInfo dnnl_library_info() {
  const dnnl_version_t& version = *dnnl_version();
  Dl_info where{};
  const bool is_found = dladdr(reinterpret_cast<const void*>(&dnnl_version), &where) != 0 && where.dli_fname != nullptr;
  return {.version = text(version.major, ".", version.minor, ".", version.patch),
          .path = is_found ? where.dli_fname : "",
          .threading = threading_name(version.cpu_runtime),
          .isa = isa_name()};
}

}  // namespace gyrus::backend::cpu
