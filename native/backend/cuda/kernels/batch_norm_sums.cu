// batch_norm_from_sums: some bytes a channel.
#include "backend/cuda/kernels/batch_norm_sums.h"

#include "backend/cuda/kernels/flat.h"

namespace gyrus::backend::cuda {
namespace {

struct FromSums {
  static constexpr const char* kName = "batch_norm_from_sums";
  static constexpr int kWidth = 1;
  BatchNormSumsArgs args;

  template <int>
  GYRUS_DEVICE void run(std::int64_t channel) const {
    const double rows = static_cast<double>(args.rows);
    const double mean = static_cast<double>(args.sums[channel]) / rows;
    const double spread = static_cast<double>(args.squares[channel]) / rows - mean * mean;
    const double var = spread < 0 ? 0 : spread;  // NaN stays NaN
    args.mean[channel] = static_cast<float>(mean);
    args.inv_std[channel] = static_cast<float>(1 / math::ScalarPack<double>::sqrt(var + static_cast<double>(args.eps)));
    if (args.running_mean == nullptr) return;
    const double rate = args.momentum;
    move(args.running_mean[channel], rate, mean);
    move(args.running_var[channel], rate, var * rows / (rows - 1));
  }

  GYRUS_DEVICE static void move(float& running, double rate, double value) {
    running = static_cast<float>((1 - rate) * static_cast<double>(running) + rate * value);
  }
};

}  // namespace

void batch_norm_from_sums(Stream stream, const BatchNormSumsArgs& args) {
  launch_flat(stream, args.channels, FromSums{args});
}

}  // namespace gyrus::backend::cuda
