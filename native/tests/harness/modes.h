// The ways in which one list of cases is run:
//   grad    autodiff's gradients against central differences, both through the reference backend in f64
//   oracle  every result and gradient of the CPU backend against the reference backend, in f32 and in bf16
//   exact   small integers through the CPU backend must equal the reference backend's to the last bit
#pragma once

#include <span>

#include "backend/backend.h"
#include "tests/harness/case.h"
#include "tests/harness/tap.h"

namespace gyrus::tests {

void run_cases(Suite& suite, std::span<const OpCase> cases);
// The last two of these for another backend.
void run_cases_on(Suite& suite, std::span<const OpCase> cases, const backend::Backend& backend);

}  // namespace gyrus::tests
