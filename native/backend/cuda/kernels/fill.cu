// fill: writes 4 bytes an element.
#include "backend/cuda/kernels/fill.h"

#include "backend/cuda/kernels/flat.h"

namespace gyrus::backend::cuda {
namespace {

struct Fill {
  static constexpr const char* kName = "fill";
  static constexpr int kWidth = kVector<float>;
  float* y;
  float value;

  template <int N>
  GYRUS_DEVICE void run(std::int64_t at) const {
    store(y + at, make_values<N>([&](int) { return value; }));
  }
};

}  // namespace

void fill_forward(Stream stream, const FillArgs& args) { launch_flat(stream, args.count, Fill{args.y, args.value}); }

}  // namespace gyrus::backend::cuda
