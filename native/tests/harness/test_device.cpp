#include "tests/harness/test_device.h"

#include <cstdlib>

namespace gyrus::tests {
namespace {

// An environment variable, so that processes which tests start see it too.
constexpr const char* kVariable = "GYRUS_TEST_DEVICE";

}  // namespace

void set_test_device(const std::string& name) { (void)setenv(kVariable, name.c_str(), 1); }

std::string test_device() {
  const char* const name = std::getenv(kVariable);
  return name != nullptr ? name : "cpu";
}

std::unique_ptr<backend::Backend> make_test_backend() {
  return test_device() == "cuda" ? backend::make_cuda_backend() : backend::make_cpu_backend(0);
}

}  // namespace gyrus::tests
