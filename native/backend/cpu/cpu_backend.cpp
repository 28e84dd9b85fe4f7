#include "backend/cpu/cpu_backend.h"

#include "backend/cpu/dnnl/dnnl_factory.h"
#include "backend/cpu/kernel_table.h"
#include "backend/cpu/threads.h"
#include "backend/lowering.h"
#include "core/threads.h"

namespace gyrus::backend {
namespace cpu {

CpuBackend::CpuBackend(int threads) : threads_(resolve_threads(threads)), dnnl_(make_dnnl_engine(threads_)) {}

Capabilities CpuBackend::describe() const { return {"cpu", cpu_has_bf16(), DType::f32, threads_}; }

LoweredGraph CpuBackend::lower(const graph::Graph& graph) const {
  if (!cpu_has_bf16()) {
    for (const graph::Value& value : graph.values()) {
      GYRUS_CHECK(value.dtype() != DType::bf16, Code::precision_unsupported, value.name,
                  " is bf16, but this CPU has neither AVX512_BF16 nor AMX; use precision f32");
    }
  }
  use_threads(threads_);  // oneDNN prepares its kernels for as many threads as the calling one would start
  return lower_nodes(graph, [&](const graph::Node& node) {
    return kernel_maker(node.kind)({{graph, node}, threads_, dnnl_});
  });
}

}  // namespace cpu

std::unique_ptr<Backend> make_cpu_backend(int threads) { return std::make_unique<cpu::CpuBackend>(threads); }

}  // namespace gyrus::backend
