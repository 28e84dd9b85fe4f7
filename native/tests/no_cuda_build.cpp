// Stands in for cuda_build/ where NVIDIA's headers are not there.
#include "tests/harness/suites.h"

namespace gyrus::tests::suites {

void cuda_products(Suite& suite) { suite.skip("all", "this build has no CUDA backend (scripts/test cuda)"); }

}  // namespace gyrus::tests::suites
