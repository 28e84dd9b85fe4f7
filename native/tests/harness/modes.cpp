#include "tests/harness/modes.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <memory>

#include "backend/backend.h"
#include "core/philox.h"
#include "tests/harness/case_program.h"
#include "tests/harness/compare.h"
#include "tests/harness/test_device.h"

namespace gyrus::tests {
namespace {

using graph::Role;

// Central differences in f64: with steps of 1e-5 the truncation error is ~1e-10 and the rounding error ~1e-11 of the
// objective, so gradients of order one agree to 1e-8; a wrong formula is wrong by far more than 1e-6.
constexpr double kStep = 1e-5, kGradTolerance = 1e-6;
constexpr std::int64_t kPerturbedAtMost = 48;  // elements of each parameter

struct Prepared {
  CaseGraph source;
  graph::Graph lowered;
};

Prepared prepare(Check& check, const OpCase& op_case, DType compute, bool is_exact) {
  CaseGraph source(compute, is_exact);
  op_case.build(source);
  passes::FuseCounts counts;
  graph::Graph lowered = source.lower(op_case.is_fused, &counts);
  if (op_case.is_fused) {
    const int fired = counts.batch_norm_relu + counts.batch_norm_relu + counts.linear_gelu + counts.add_layer_norm +
                      counts.gradient_add;
    check.that(fired > 0, "no fusion fired");
  }
  return {std::move(source), std::move(lowered)};
}

// What the gradients are gradients of: the sum of seeds times results, and of the losses.
double objective(const CaseGraph& source, CaseProgram& program) {
  program.run();
  double sum = 0;
  for (const auto& result : source.results()) {
    if (!result.is_target) continue;
    const auto values = program.output(result.name);
    std::vector<double> seeds(values.size(), 1.0);
    for (const auto& entry : source.sources()) {
      if (entry.name == result.seed) seeds = source.initial_values(entry);
    }
    for (std::size_t i = 0; i < values.size(); ++i) sum += seeds[i] * values[i];
  }
  return sum;
}

// All elements of a small tensor, some random ones of a large one.
std::vector<std::size_t> elements_to_perturb(const std::string& name, std::size_t count) {
  std::vector<std::size_t> chosen(std::min<std::size_t>(count, kPerturbedAtMost));
  const Philox philox{1, stream_of(name)};
  for (std::size_t i = 0; i < chosen.size(); ++i) chosen[i] = count == chosen.size() ? i : philox.bits(i) % count;
  return chosen;
}

void check_gradients(Check& check, const OpCase& op_case) {
  const Prepared prepared = prepare(check, op_case, DType::f32, false);
  const auto reference = backend::make_reference_backend();
  CaseProgram program(prepared.source, prepared.lowered, *reference);
  program.run();
  std::map<std::string, std::vector<double>> gradients;
  for (const auto& entry : prepared.source.sources()) {
    if (entry.role == Role::parameter) gradients[entry.name] = program.gradient(entry.name);
  }
  for (const auto& [name, gradient] : gradients) {
    std::vector<double> values = program.parameter(name);
    double error_squares = 0, squares = 0;
    for (const std::size_t at : elements_to_perturb(name, values.size())) {
      const double value = values[at];
      const auto objective_at = [&, &parameter = name](double moved) {
        values[at] = moved;
        program.set_parameter(parameter, values);
        return objective(prepared.source, program);
      };
      const double numeric = (objective_at(value + kStep) - objective_at(value - kStep)) / (2 * kStep);
      values[at] = value;
      error_squares += (gradient[at] - numeric) * (gradient[at] - numeric);
      squares += numeric * numeric;
      check.that(std::isfinite(gradient[at]), "gradient of ", name, "[", at, "] is ", gradient[at]);
    }
    program.set_parameter(name, values);
    const double allowed = kGradTolerance * std::max(std::sqrt(squares), 0.1);
    check.that(std::sqrt(error_squares) <= allowed, "gradient of ", name, ": differs from central differences by ",
               std::sqrt(error_squares), " in norm; the differences' norm is ", std::sqrt(squares));
  }
  check.that(!gradients.empty(), "the case has no parameter to differentiate");
}

void check_against_reference(Check& check, const OpCase& op_case, const backend::Backend& backend, DType compute,
                             bool is_exact) {
  const Prepared prepared = prepare(check, op_case, compute, is_exact);
  const auto found = run_once(prepared.source, prepared.lowered, backend);
  const auto expected = run_once(prepared.source, prepared.lowered, *backend::make_reference_backend());
  const double tolerance = compute == DType::f32 ? op_case.tolerance.f32 : op_case.tolerance.bf16;
  for (const auto& [name, values] : expected)
    check_close(check, name, found.at(name), values, is_exact ? 0 : tolerance);
}

}  // namespace

void run_cases_on(Suite& suite, std::span<const OpCase> cases, const backend::Backend& backend) {
  const bool has_bf16 = backend.describe().has_bf16;
  for (const OpCase& op_case : cases) {
    for (const DType compute : {DType::f32, DType::bf16}) {
      const std::string oracle = text(op_case.name, ": oracle ", name_of(compute));
      const std::string exact = text(op_case.name, ": exact ", name_of(compute));
      if (compute == DType::bf16 && !has_bf16) {
        suite.skip(oracle, "this processor does not compute bf16");
        if (op_case.is_exact) suite.skip(exact, "this processor does not compute bf16");
        continue;
      }
      suite.test(oracle, [&](Check& check) { check_against_reference(check, op_case, backend, compute, false); });
      if (op_case.is_exact) {
        suite.test(exact, [&](Check& check) { check_against_reference(check, op_case, backend, compute, true); });
      }
    }
  }
}

void run_cases(Suite& suite, std::span<const OpCase> cases) {
  for (const OpCase& op_case : cases) {
    if (!op_case.is_differentiable || !op_case.is_small) continue;
    suite.test(text(op_case.name, ": grad"), [&](Check& check) { check_gradients(check, op_case); });
  }
  run_cases_on(suite, cases, *make_test_backend());
}

}  // namespace gyrus::tests
