// Test mode of a Program: memory that nobody reads again becomes NaN, and a guard behind every written block must
// survive the kernel that writes the block.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace gyrus::runtime {

inline constexpr std::int64_t kGuardBytes = 64;

struct Poison {
  std::vector<std::pair<std::byte*, std::int64_t>> freed_after;  // (block, bytes) that die with this step
  std::vector<std::byte*> guards;                                // kGuardBytes each, behind what this step writes

  void set_guards() const;
  // Throws Code::internal naming the step when a guard was overwritten; then poisons what died.
  void check(std::string_view step) const;
};

}  // namespace gyrus::runtime
