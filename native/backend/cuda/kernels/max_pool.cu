// max_pool: reads each pixel of x once from memory (the windows' overlap comes from cache), writes y and the index:
// about A bytes an element of x and A + 1 of y, a comparison a position of the window.
// max_pool_backward: every element of dx gathers from the windows that cover it (at most 4 for 3x3 by 2), so nothing is
// added by two threads: reads dy and the index, writes dx.
#include "backend/cuda/kernels/max_pool.h"

#include "backend/cuda/kernels/flat.h"

namespace gyrus::backend::cuda {
namespace {

template <class T, int kChannels>
struct MaxPool {
  static constexpr const char* kName = "max_pool";
  static constexpr int kWidth = 1;  // vectors of channels
  const T* x;
  T* y;
  std::uint8_t* index;
  MaxPoolGeometry g;

  template <int>
  GYRUS_DEVICE void run(std::int64_t at) const {
    const std::int64_t vectors = g.channels / kChannels, c = at % vectors * kChannels, pixel = at / vectors;
    const std::int64_t left = pixel % g.out_width * g.stride - g.padding;
    const std::int64_t top = pixel / g.out_width % g.out_height * g.stride - g.padding;
    const std::int64_t image = pixel / g.out_width / g.out_height;
    Values<kChannels> best = {};
    std::uint8_t best_at[kChannels] = {};
    bool is_first = true;
    for (int ky = 0; ky < g.kernel; ++ky) {
      const std::int64_t row = top + ky;
      if (row < 0 || row >= g.height) continue;
      for (int kx = 0; kx < g.kernel; ++kx) {
        const std::int64_t column = left + kx;
        if (column < 0 || column >= g.width) continue;
        const auto in = load<kChannels>(x + ((image * g.height + row) * g.width + column) * g.channels + c);
        GYRUS_UNROLL
        for (int i = 0; i < kChannels; ++i) {
          const float v = in.at[i], b = best.at[i];
          if (!(is_first || v > b || (v != v && b == b))) continue;  // a NaN wins over numbers
          best.at[i] = v;
          best_at[i] = static_cast<std::uint8_t>(ky * g.kernel + kx);
        }
        is_first = false;
      }
    }
    store(y + pixel * g.channels + c, best);
    Chunk<std::uint8_t, kChannels> positions;
    GYRUS_UNROLL
    for (int i = 0; i < kChannels; ++i) positions.at[i] = best_at[i];
    store_chunk(index + pixel * g.channels + c, positions);
  }
};

template <class T, int kChannels>
struct MaxPoolBackward {
  static constexpr const char* kName = "max_pool_backward";
  static constexpr int kWidth = 1;  // vectors of channels
  const T* dy;
  const std::uint8_t* index;
  T* dx;
  MaxPoolGeometry g;

  // The first window that covers a position; the last is position / stride.
  GYRUS_DEVICE std::int64_t first_window(std::int64_t position) const {
    return position < g.kernel ? 0 : (position - g.kernel) / g.stride + 1;
  }

  template <int>
  GYRUS_DEVICE void run(std::int64_t at) const {
    const std::int64_t vectors = g.channels / kChannels, c = at % vectors * kChannels, pixel = at / vectors;
    const std::int64_t column = pixel % g.width + g.padding, row = pixel / g.width % g.height + g.padding;
    const std::int64_t image = pixel / g.width / g.height;
    Values<kChannels> sum = {};
    for (std::int64_t oy = first_window(row); oy < g.out_height && oy * g.stride <= row; ++oy) {
      for (std::int64_t ox = first_window(column); ox < g.out_width && ox * g.stride <= column; ++ox) {
        const std::int64_t from = ((image * g.out_height + oy) * g.out_width + ox) * g.channels + c;
        const std::int64_t position = (row - oy * g.stride) * g.kernel + column - ox * g.stride;
        const auto winners = load_chunk<Chunk<std::uint8_t, kChannels>>(index + from);
        const auto up = load<kChannels>(dy + from);
        GYRUS_UNROLL
        for (int i = 0; i < kChannels; ++i) {
          if (winners.at[i] == position) sum.at[i] += up.at[i];
        }
      }
    }
    store(dx + pixel * g.channels + c, sum);
  }
};

}  // namespace

void max_pool_forward(Stream stream, const MaxPoolArgs& args) {
  const MaxPoolGeometry& g = args.geometry;
  const std::int64_t pixels = g.images * g.out_height * g.out_width;
  for_dtype(args.dtype, [&]<class T>(T) {
    for_width<T>(g.channels, [&]<int kChannels>(Width<kChannels>) {
      launch_flat(stream, pixels * (g.channels / kChannels),
                  MaxPool<T, kChannels>{static_cast<const T*>(args.x), static_cast<T*>(args.y), args.index, g});
    });
  });
}

void max_pool_backward(Stream stream, const MaxPoolBackwardArgs& args) {
  const MaxPoolGeometry& g = args.geometry;
  const std::int64_t pixels = g.images * g.height * g.width;
  for_dtype(args.dtype, [&]<class T>(T) {
    for_width<T>(g.channels, [&]<int kChannels>(Width<kChannels>) {
      launch_flat(
          stream, pixels * (g.channels / kChannels),
          MaxPoolBackward<T, kChannels>{static_cast<const T*>(args.dy), args.index, static_cast<T*>(args.dx), g});
    });
  });
}

}  // namespace gyrus::backend::cuda
