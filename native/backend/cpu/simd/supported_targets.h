// The instruction sets that the SIMD kernels were compiled for and this CPU has.
#pragma once

#include <string>
#include <vector>

namespace gyrus::backend::cpu {

// Their names, the best first: "AVX3_ZEN4".
std::vector<std::string> supported_simd_targets();

// Whether the kernels' vectors are of sixteen f32 here (AVX-512): the best target is the one that runs.
bool has_long_vectors();

}  // namespace gyrus::backend::cpu
