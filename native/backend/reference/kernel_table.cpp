// One row a kind, made from the one list of kinds: forgetting one is a link error.
#include "backend/reference/kernel_table.h"

#include <array>
#include <cstddef>

namespace gyrus::backend::reference {

NaiveFunction naive_function(graph::OpKind kind) {
  static constexpr std::array<NaiveFunction, graph::kOpKindCount> kFunctions = {
#define GYRUS_NAIVE_ROW(name) &name,
      GYRUS_OP_KINDS(GYRUS_NAIVE_ROW)
#undef GYRUS_NAIVE_ROW
  };
  return kFunctions[static_cast<std::size_t>(kind)];
}

}  // namespace gyrus::backend::reference
