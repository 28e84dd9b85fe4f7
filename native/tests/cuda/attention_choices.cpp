#include "tests/cuda/emulator.h"
// The emulator must come first.
// Which attention is taken in bf16: the faster of cuDNN's and our own, timed once and kept. cuDNN is a pretended one,
// whose plans are plain loops and take as long as the test says.
#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "graph/ops.h"
#include "tests/cases/cases.h"
#include "tests/cuda/choices_folder.h"
#include "tests/cuda/emulated_backend.h"
#include "tests/cuda/pretended_cudnn.h"
#include "tests/harness/case.h"
#include "tests/harness/modes.h"
#include "tests/harness/suites.h"

namespace gyrus::tests::suites {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFast{0}, kSlow{100};
const Shape kTokens{2, 3, 64};

OpCase make_case(const Shape& tokens, int heads) {
  OpCase op_case{.name = text("attention of ", tokens), .build = [=](CaseGraph& g) {
                   const ValueId qkv = g.activation("qkv", {tokens[0], tokens[1], 3 * tokens[2]});
                   g.seeded_result(graph::attention(g.graph(), qkv, heads, "attention"), "y");
                 }};
  op_case.tolerance.bf16 = 6e-3;
  return op_case;
}

// Of attention and its gradient, which must go the same way; by a backend that is made now, as in a process of its own.
backend::Way way_of(Check& check, const Shape& tokens, int heads) {
  CaseGraph source(DType::bf16, false);
  make_case(tokens, heads).build(source);
  const backend::LoweredGraph lowered = make_emulated_backend()->lower(source.lower(false));
  const auto find = [&](graph::OpKind kind) {
    return std::find_if(lowered.steps.begin(), lowered.steps.end(), [&](const auto& step) { return step.kind == kind; })
        ->way;
  };
  backend::Way forward = find(graph::OpKind::attention);
  const backend::Way gradient = find(graph::OpKind::attention_grad);
  check.that(forward.name == gradient.name && forward.why == gradient.why && forward.is_timed == gradient.is_timed,
             "the gradient goes the same way: ", gradient.name, ", ", gradient.why);
  return forward;
}

void take_cudnn(Check& check) {
  const ChoicesFolder folder;
  {
    const PretendedCudnn fast(kFast);
    const backend::Way way = way_of(check, kTokens, 2);
    check.that(way.name == "cudnn" && way.is_timed && !way.is_refused, "taken: ", way.name);
    check.that(way.why.find("timed at ") == 0 && way.why.find("our own at ") != std::string::npos, way.why);
    check.equal(fast.runs(), 8, "runs of cuDNN's plans: warm-up and three, forward and gradient");
  }
  const PretendedCudnn slow(kSlow);
  const backend::Way way = way_of(check, kTokens, 2);
  check.that(way.name == "cudnn" && way.is_timed, "the choice is kept: ", way.name);
  check.that(way.why.find("plan cache") != std::string::npos, way.why);
  check.equal(slow.runs(), 0, "runs where the choice is known");
}

void take_own(Check& check) {
  const ChoicesFolder folder;
  {
    const PretendedCudnn slow(kSlow);
    const backend::Way way = way_of(check, kTokens, 2);
    check.that(way.name == "own" && way.is_timed && !way.is_refused, "taken: ", way.name);
    check.that(way.why.find("cuDNN's at ") != std::string::npos, way.why);
  }
  const PretendedCudnn fast(kFast);
  check.equal(way_of(check, kTokens, 2).name, std::string("own"), "the choice is kept");
  check.equal(fast.runs(), 0, "runs where the choice is known");
  check.equal(way_of(check, {3, 3, 64}, 2).name, std::string("cudnn"), "another batch is another shape");
}

void time_nothing(Check& check) {
  const ChoicesFolder folder;
  const PretendedCudnn slow(kSlow);
  const backend::Way wide = way_of(check, {2, 3, 160}, 2);
  check.that(wide.name == "cudnn" && !wide.is_timed, "heads for which there is no kernel of our own: ", wide.name);
  const Variable tune("GYRUS_CUDA_TUNE", "0");
  const backend::Way way = way_of(check, kTokens, 2);
  check.that(way.name == "cudnn" && !way.is_timed && way.why.empty(), "without tuning: ", way.name);
  const Variable own("GYRUS_CUDA_ATTENTION", "own");
  check.equal(way_of(check, kTokens, 2).name, std::string("own"), "asked for");
  const Variable cudnn("GYRUS_CUDA_ATTENTION", "cudnn");
  check.equal(way_of(check, kTokens, 2).name, std::string("cudnn"), "asked for");
  check.equal(slow.runs(), 0, "runs");
}

void run_out_of_memory(Check& check) {
  const ChoicesFolder folder;
  {
    const PretendedCudnn slow(kSlow, 1024);
    const backend::Way way = way_of(check, kTokens, 2);
    check.that(way.name == "cudnn" && !way.is_timed && way.why.find("no memory") != std::string::npos, way.why);
  }
  const PretendedCudnn slow(kSlow);
  check.equal(way_of(check, kTokens, 2).name, std::string("cudnn"), "the next process computes it alike");
}

}  // namespace

void cuda_attention_choices(Suite& suite) {
  suite.test("cuDNN's where it is the faster, in the next process too", take_cudnn);
  suite.test("our own where it is the faster, in the next process too", take_own);
  suite.test("nothing is timed where there is no choice", time_nothing);
  suite.test("no memory for both: cuDNN's, in the next process too", run_out_of_memory);
  // The operands that plans get.
  const ChoicesFolder folder;
  const PretendedCudnn fast(kFast);
  const std::vector<OpCase> cases{make_case({2, 5, 32}, 2), make_case({1, 9, 16}, 1), make_case({2, 3, 160}, 2)};
  run_cases_on(suite, cases, *make_emulated_backend());
}

}  // namespace gyrus::tests::suites
