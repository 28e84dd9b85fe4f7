// Where a PlanCache keeps what was tuned, in tests: a folder of their own, empty at first.
#pragma once

#include <string>
#include <string_view>

#include "tests/harness/environment.h"
#include "tests/io/scratch.h"

namespace gyrus::tests {

// While it lives, PlanCaches that are made look here. One at a time.
class ChoicesFolder {
 public:
  // Of a file beside the choices.
  std::string path(std::string_view name) const { return folder_.path(name); }

 private:
  ScratchFolder folder_;
  Variable variable_{"GYRUS_CUDA_CACHE", folder_.path("choices")};
};

}  // namespace gyrus::tests
