// Stands in for cuda_build/ where NVIDIA's headers are not there.
#include "tests/harness/suites.h"

namespace gyrus::tests::suites {

namespace {
constexpr const char* kReason = "this build has no CUDA backend (scripts/test cuda)";
}

void cuda_products(Suite& suite) { suite.skip("all", kReason); }
void cuda_convolutions(Suite& suite) { suite.skip("all", kReason); }
void cuda_engines(Suite& suite) { suite.skip("all", kReason); }

}  // namespace gyrus::tests::suites
