#include "tests/cuda/emulator.h"
// The emulator must come first.
// Convolutions and products as the CUDA backend describes them in cuDNN's graphs, computed by one on the host: layouts,
// operands, epilogues, packed weights, and which of two ways is taken.
#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "backend/cuda/blas/blas.h"
#include "backend/cuda/dnn/dnn.h"
#include "backend/cuda/ops/makers.h"
#include "graph/ops.h"
#include "tests/cases/cases.h"
#include "tests/cuda/choices_folder.h"
#include "tests/cuda/emulated_backend.h"
#include "tests/cuda_build/host_context.h"
#include "tests/cuda_build/host_dnn.h"
#include "tests/harness/case_program.h"
#include "tests/harness/modes.h"
#include "tests/harness/suites.h"

namespace gyrus::tests::suites {
namespace {

using backend::cuda::CudaContext;
using backend::cuda::NodeContext;
using graph::OpKind;

// A process that finds the plans of the one before it, or none.
class Machine {
 public:
  Machine() = default;
  ~Machine() { set_host_engines({}); }
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  std::shared_ptr<CudaContext> start() const {
    auto context = make_host_context();
    context->least_tuned_terms = 1;
    return context;
  }

 private:
  ChoicesFolder folder_;
};

std::unique_ptr<backend::Backend> make_backend(const std::shared_ptr<CudaContext>& context) {
  return make_emulated_backend([context](const backend::NodeView& view) -> std::optional<backend::LoweredKernel> {
    using Maker = backend::LoweredKernel (*)(const NodeContext&);
    static const std::map<OpKind, Maker> kMakers = {
        {OpKind::conv2d, backend::cuda::make_conv2d},
        {OpKind::conv2d_grad_input, backend::cuda::make_conv2d_grad_input},
        {OpKind::conv2d_grad_weight, backend::cuda::make_conv2d_grad_weight},
        {OpKind::batch_norm, backend::cuda::make_batch_norm},
        {OpKind::batch_norm_inference, backend::cuda::make_batch_norm_inference},
        {OpKind::linear, backend::cuda::make_linear},
    };
    const auto found = kMakers.find(view.node.kind);
    if (found == kMakers.end()) return std::nullopt;
    return found->second({view, context});
  });
}

struct Convolution {
  Shape x;
  std::int64_t out;
  int kernel, stride, padding;
  bool has_bias = false;
};

OpCase convolution(const Convolution& c) {
  return {.name = text(c.x, " to ", c.out, ", ", c.kernel, 'x', c.kernel, " stride ", c.stride,
                       c.has_bias ? " with bias" : ""),
          .build =
              [c](CaseGraph& g) {
                const ValueId x = g.activation("x", c.x);
                const ValueId w = g.parameter("w", {c.out, c.x.back(), c.kernel, c.kernel});
                std::optional<ValueId> bias;
                if (c.has_bias) bias = g.parameter("bias", {c.out});
                g.seeded_result(graph::conv2d(g.graph(), x, w, bias, c.stride, c.padding, "conv"), "y");
              },
          .is_exact = true};
}

std::vector<OpCase> plain_cases() {
  return {convolution({{2, 5, 6, 8}, 16, 3, 1, 1}), convolution({{1, 7, 5, 16}, 24, 3, 2, 1}),
          convolution({{2, 5, 7, 8}, 16, 1, 2, 0}), convolution({{3, 6, 8, 24}, 8, 3, 2, 1}),
          convolution({{2, 4, 4, 8}, 8, 1, 1, 0, true})};
}

// The first of the shared cases with a name that ends so.
OpCase fused_case(const std::string& end) {
  for (OpCase& one : fused_cases()) {
    if (one.name.ends_with(end)) return std::move(one);
  }
  fail_internal("no such case", __FILE__, __LINE__);
}

std::vector<backend::Way> ways_of(const OpCase& one, DType compute, const backend::Backend& backend) {
  CaseGraph g(compute, false);
  one.build(g);
  std::vector<backend::Way> ways;
  for (const auto& step : backend.lower(g.lower(one.is_fused)).steps) {
    if (!step.way.name.empty()) ways.push_back(step.way);
  }
  return ways;
}

// Compiles and runs, which tunes.
void run_once(const OpCase& one, const backend::Backend& backend) {
  CaseGraph g(DType::bf16, false);
  one.build(g);
  CaseProgram program(g, g.lower(one.is_fused), backend);
  program.run();
}

// The slower way is not taken, and the next process does not even ask for it.
void choose_the_faster(Check& check, const OpCase& one, const HostEngine& engine, const std::string& expected) {
  const Machine machine;
  set_host_engines({engine});
  const auto backend = make_backend(machine.start());
  const backend::Way tried = ways_of(one, DType::bf16, *backend).at(0);
  check.that(tried.name.ends_with(" or not"), "both are to be tried, not ", tried.name, ": ", tried.why);
  run_once(one, *backend);
  const auto ways = ways_of(one, DType::bf16, *make_backend(machine.start()));
  check.equal(ways.empty() ? "" : ways.at(0).name, expected, "the next process knows");
}

void refuse(Check& check, const OpCase& one, const HostEngine& engine) {
  const Machine machine;
  set_host_engines({engine});
  const auto ways = ways_of(one, DType::bf16, *make_backend(machine.start()));
  const auto refused = std::find_if(ways.begin(), ways.end(), [](const auto& way) { return way.is_refused; });
  check.that(refused != ways.end() && !refused->why.empty(), "what cuDNN will not do is told, in its words");
}

void leave_out(Check& check) {
  const Machine machine;
  set_host_engines({{.is_deterministic = false}, {.works = false}, {.scratch_bytes = 512}});
  run_once(plain_cases().front(), *make_backend(machine.start()));
  check.equal(last_host_engine(), std::size_t{2}, "neither what is not deterministic nor what fails");
}

}  // namespace

void cuda_convolutions(Suite& suite) {
  {
    const Machine machine;
    set_host_engines({{.scratch_bytes = 512}});
    const auto backend = make_backend(machine.start());
    run_cases_on(suite, plain_cases(), *backend);
    std::vector<OpCase> fused = fused_cases();
    std::erase_if(fused, [](const OpCase& one) { return one.name.ends_with("many terms"); });
    run_cases_on(suite, fused, *backend);
  }
  suite.test("what is not deterministic, and what fails, is not chosen", leave_out);
  const OpCase one = fused_case("batch_norm relu"), summed = fused_case("training batch_norm, running"),
               gelu = fused_case("linear gelu");
  const HostEngine slow_together{.fusion_seconds = 0.3}, slow_apart{.plain_seconds = 0.3};
  suite.test("batch norm in the convolution's epilogue or apart, whichever is faster", [=](Check& check) {
    choose_the_faster(check, one, slow_apart, "cudnn, fused");
    choose_the_faster(check, one, slow_together, "cudnn");
  });
  suite.test("sums in the convolution's epilogue or a pass of their own, whichever is faster", [=](Check& check) {
    choose_the_faster(check, summed, slow_apart, "cudnn, with sums or not");
    choose_the_faster(check, summed, slow_together, "cudnn");
  });
  suite.test("linear + GELU in one kernel or two, whichever is faster",
             [=](Check& check) { choose_the_faster(check, gelu, slow_together, ""); });
  for (const HostEngine engine : {HostEngine{.takes_fusions = false}, HostEngine{.is_deterministic = false}}) {
    const std::string why = engine.is_deterministic ? "no engine" : "no deterministic engine";
    suite.test("batch norm, refused: " + why, [=](Check& check) { refuse(check, one, engine); });
    suite.test("sums, refused: " + why, [=](Check& check) { refuse(check, summed, engine); });
    suite.test("linear + GELU, refused: " + why, [=](Check& check) { refuse(check, gelu, engine); });
  }
}

}  // namespace gyrus::tests::suites
