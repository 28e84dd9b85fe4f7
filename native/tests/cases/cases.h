// The tables of cases that more than one backend runs.
#pragma once

#include <vector>

#include "backend/backend.h"
#include "tests/harness/case.h"
#include "tests/harness/tap.h"

namespace gyrus::tests::suites {

std::vector<OpCase> attention_cases();
std::vector<OpCase> batch_norm_cases();
std::vector<OpCase> conv2d_cases();
std::vector<OpCase> elementwise_cases();
std::vector<OpCase> fused_cases();
std::vector<OpCase> layer_norm_cases();
std::vector<OpCase> linear_cases();
std::vector<OpCase> loss_cases();
std::vector<OpCase> pooling_cases();
std::vector<OpCase> tokens_cases();

// scale_rows where a branch that is left out holds infinities.
void dropped_rows_on(Suite& suite, const backend::Backend& backend);
// Every optimizer and the momentum update: known answers, and the reference backend over several steps.
void optimizer_on(Suite& suite, const backend::Backend& backend);

}  // namespace gyrus::tests::suites
