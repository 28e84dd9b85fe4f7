// Test data from the counter-based generator: the same for a name on every machine and in every order.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace gyrus::tests {

enum class Fill : std::uint8_t {
  normal,          // N(0, 1)
  small,           // N(0, 0.1^2)
  around_one,      // 1 + N(0, 0.1^2): gammas
  positive,        // U[0.5, 1.5): variances
  small_integers,  // -1, 0, 1: sums of products are exact in f32, and in bf16 up to 256
  zero,
};

// Draw i of the stream named `name`. `rounds_to_bf16`: every value is one that bf16 holds, so that what is compared is
// the operation's own rounding and not its inputs'.
std::vector<double> fill_values(std::string_view name, std::int64_t count, Fill fill, bool rounds_to_bf16 = false);

// Labels in [0, classes).
std::vector<std::int32_t> fill_labels(std::string_view name, std::int64_t count, std::int64_t classes);

}  // namespace gyrus::tests
