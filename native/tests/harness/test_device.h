// The device under test: the CPU, or the GPU where gyrus_tests was called with --device cuda. Suites that compare with
// the reference backend, with goldens or with themselves take their backend and their sessions' device from here.
#pragma once

#include <memory>
#include <string>

#include "backend/backend.h"

namespace gyrus::tests {

// For main(): before any suite runs. "cpu" or "cuda".
void set_test_device(const std::string& name);
std::string test_device();
std::unique_ptr<backend::Backend> make_test_backend();

}  // namespace gyrus::tests
