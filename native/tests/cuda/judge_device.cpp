#include "tests/cuda/emulator.h"
// The emulator must come first.
// Every refusal of a GPU says what was found and what is needed.
#include "backend/cuda/judge_device.h"

#include "tests/harness/suites.h"
#include "tests/io/scratch.h"

namespace gyrus::tests::suites {

void cuda_judge(Suite& suite) {
  using namespace backend::cuda;  // NOLINT(google-build-using-namespace): three functions
  suite.test("a driver that is too old", [](Check& check) {
    check.equal(judge_driver("/lib/libcuda.so.1", 13000), "", "13.0");
    check.equal(judge_driver("/lib/libcuda.so.1", 13010), "", "13.1");
    const std::string message = judge_driver("/lib/libcuda.so.1", 12080);
    check.that(contains(message, "/lib/libcuda.so.1 offers CUDA 12.8, and 13.0 is needed; update it to 580"), message);
    check.that(contains(judge_driver("/lib/libcuda.so.1", 0), "offers CUDA 0.0"), "a driver that does not answer");
  });
  suite.test("no GPU", [](Check& check) {
    check.equal(judge_count(1, ""), "", "one");
    check.that(contains(judge_count(0, ""), "shows this process no GPU; look at nvidia-smi and CUDA_VISIBLE_DEVICES"),
               judge_count(0, ""));
    const std::string message = judge_count(0, "CUDA: cudaErrorNoDevice");
    check.that(contains(message, "no GPU can be used\ncaused by: CUDA: cudaErrorNoDevice"), message);
  });
  suite.test("a GPU that is too old", [](Check& check) {
    check.equal(judge_capability("NVIDIA A100", 8, 0), "", "8.0");
    check.equal(judge_capability("NVIDIA H200", 9, 0), "", "9.0");
    check.equal(judge_capability("Tesla V100", 7, 0),
                "Tesla V100 has compute capability 7.0; 8.0 (A100) or later is needed", "7.0");
    check.that(!judge_capability("Tesla T4", 7, 5).empty(), "7.5");
  });
}

}  // namespace gyrus::tests::suites
