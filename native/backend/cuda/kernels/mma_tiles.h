// Small blocks of a product on tensor cores, as the threads of a warp hold them: mma.h says which element is whose.
#pragma once

#include <cstdint>

namespace gyrus::backend::cuda {

struct LeftTile {
  std::uint32_t at[4];
};
struct RightTile {
  std::uint32_t at[2];
};
struct SumTile {
  float at[4];
};

}  // namespace gyrus::backend::cuda
