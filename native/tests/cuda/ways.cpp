// Which way an operation goes is kept with the reason, so that a library's refusal cannot pass for a choice.
#include <algorithm>
#include <string>

#include "graph/ops.h"
#include "tests/cuda/emulated_backend.h"
#include "tests/harness/case.h"
#include "tests/harness/suites.h"

namespace gyrus::tests::suites {
namespace {

// Of the first step of that kind in a graph of attention and its gradient.
backend::Way way_of(graph::OpKind kind, DType compute, std::int64_t width) {
  CaseGraph source(compute, false);
  const ValueId qkv = source.activation("qkv", {2, 3, 3 * width});
  source.seeded_result(graph::attention(source.graph(), qkv, 2, "attention"), "y");
  const backend::LoweredGraph lowered = make_emulated_backend()->lower(source.lower(false));
  const auto found =
      std::find_if(lowered.steps.begin(), lowered.steps.end(), [&](const auto& step) { return step.kind == kind; });
  GYRUS_ASSERT(found != lowered.steps.end());
  return found->way;
}

void refuse_wide_heads(Check& check) {
  const std::string message = check.throws(Code::invalid_argument, "heads of width 264",
                                           [] { way_of(graph::OpKind::attention, DType::f32, 528); });
  check.that(message.find("heads of width 264 in f32") != std::string::npos && message.find("256") != std::string::npos,
             message);
}

}  // namespace

void cuda_ways(Suite& suite) {
  suite.test("heads that are too wide are refused when a graph is lowered", refuse_wide_heads);
  for (const graph::OpKind kind : {graph::OpKind::attention, graph::OpKind::attention_grad}) {
    suite.test(text(graph::name_of(kind), " says which way it goes"), [=](Check& check) {
      const backend::Way chosen = way_of(kind, DType::f32, 16);
      check.that(chosen.name == "own" && !chosen.is_refused, "f32 is computed by choice, not ", chosen.name);
      check.that(chosen.why.find("f32") != std::string::npos, chosen.why);
      const backend::Way odd = way_of(kind, DType::bf16, 12);
      check.that(!odd.is_refused && odd.why.find("width 6") != std::string::npos, odd.why);
      const backend::Way refused = way_of(kind, DType::bf16, 16);
      check.that(refused.name == "own" && refused.is_refused, "what cuDNN refused is no choice");
      check.that(refused.why.find("there is no cuDNN on the host") != std::string::npos, "the refusal, quoted, not ",
                 refused.why);
    });
  }
}

}  // namespace gyrus::tests::suites
