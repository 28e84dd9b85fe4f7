#include "tests/imaging/simd_targets.h"

// What the kernels leave out, so that the same sets are named here.
#define HWY_DISABLED_TARGETS HWY_SSSE3
#include <hwy/highway.h>

#include <cstdint>

namespace gyrus::tests {
namespace {

// Highway chooses once; this makes it choose again.
void use_targets(std::int64_t targets) {
  hwy::SetSupportedTargetsForTest(targets);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

}  // namespace

void for_each_simd_target(const std::function<void(std::string_view name)>& body) {
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    use_targets(target);
    body(hwy::TargetName(target));
  }
  use_targets(0);
}

}  // namespace gyrus::tests
