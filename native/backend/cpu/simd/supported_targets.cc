#include "backend/cpu/simd/supported_targets.h"

// clang-format off: this must come before Highway's headers
#include "backend/cpu/simd/targets.h"
// clang-format on
#include <hwy/highway.h>

#include <cstdint>

namespace gyrus::backend::cpu {

std::vector<std::string> supported_simd_targets() {
  std::vector<std::string> names;
  // A lower bit is a better target.
  auto left = static_cast<std::uint64_t>(HWY_TARGETS) & static_cast<std::uint64_t>(hwy::SupportedTargets());
  for (; left != 0; left &= left - 1)
    names.emplace_back(hwy::TargetName(static_cast<std::int64_t>(left & (~left + 1))));
  return names;
}

}  // namespace gyrus::backend::cpu
