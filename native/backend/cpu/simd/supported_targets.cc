#include "backend/cpu/simd/supported_targets.h"

// clang-format off: this must come before Highway's headers
#include "backend/cpu/simd/targets.h"
// clang-format on
#include <hwy/highway.h>

#include <cstdint>

namespace gyrus::backend::cpu {

namespace {

// A lower bit is a better target.
std::uint64_t targets() {
  return static_cast<std::uint64_t>(HWY_TARGETS) & static_cast<std::uint64_t>(hwy::SupportedTargets());
}

}  // namespace

std::vector<std::string> supported_simd_targets() {
  std::vector<std::string> names;
  for (auto left = targets(); left != 0; left &= left - 1)
    names.emplace_back(hwy::TargetName(static_cast<std::int64_t>(left & (~left + 1))));
  return names;
}

bool has_long_vectors() {
  constexpr auto kShortest = static_cast<std::uint64_t>(HWY_AVX3);
  return (targets() & (2 * kShortest - 1)) != 0;
}

}  // namespace gyrus::backend::cpu
