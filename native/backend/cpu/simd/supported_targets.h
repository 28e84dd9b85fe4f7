// Names of the instruction sets that the SIMD kernels were compiled for and this CPU has, the best first: "AVX3_ZEN4".
#pragma once

#include <string>
#include <vector>

namespace gyrus::backend::cpu {

std::vector<std::string> supported_simd_targets();

}  // namespace gyrus::backend::cpu
