// Runs a check on every instruction set that the kernels are compiled for and this CPU has.
#pragma once

#include <functional>
#include <string_view>

namespace gyrus::tests {

// body(name) once for each; afterwards the best is in use again.
void for_each_simd_target(const std::function<void(std::string_view name)>& body);

}  // namespace gyrus::tests
