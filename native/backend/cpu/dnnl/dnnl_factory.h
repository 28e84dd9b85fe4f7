// What the rest of the CPU backend may know of oneDNN: how to make its engine, and what it can do here.
#pragma once

#include <memory>

namespace gyrus::backend::cpu {

class DnnlEngine;

// One engine and one stream, shared by all kernels of a backend.
std::shared_ptr<const DnnlEngine> make_dnnl_engine(int threads);

// Whether oneDNN multiplies bf16 in hardware here (AVX512_BF16 or AMX).
bool cpu_has_bf16();

// Whether this process may use AMX for bf16; the first call asks the system for it. ONEDNN_MAX_CPU_ISA can take it
// away.
bool cpu_has_amx();

}  // namespace gyrus::backend::cpu
