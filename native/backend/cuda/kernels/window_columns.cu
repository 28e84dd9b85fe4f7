// Bytes an element, A of the element type:
//   window_columns           of the columns: writes A, 16 bytes at a time; reads A, of which the caches serve all but
//                            A stride^2 / (KH KW), as x comes from memory about once
//   window_columns_backward  of dx: reads A KH KW / stride^2 of the columns, writes A; it gathers, so that nothing is
//                            added by two threads
//   weight_rows              of the rows: reads 4, writes A;  weight_rows_backward: reads 4, writes 4
#include "backend/cuda/kernels/window_columns.h"

#include "backend/cuda/kernels/flat.h"

namespace gyrus::backend::cuda {
namespace {

GYRUS_DEVICE unsigned narrow(std::int64_t extent) { return static_cast<unsigned>(extent); }

template <class T, int kElements>
struct WindowColumns {
  static constexpr const char* kName = "window_columns";
  static constexpr int kWidth = 1;  // vectors of a row's elements
  const T* x;
  T* columns;
  WindowGeometry g;

  // One division a part of the position for each vector, in 32 bits, which the launcher has checked to be enough; from
  // one element to the next the position is counted on.
  template <int>
  GYRUS_DEVICE void run(std::int64_t at) const {
    const auto vectors = static_cast<unsigned>(g.row_width / kElements), vector = static_cast<unsigned>(at);
    const auto channels = static_cast<int>(g.channels), kernel_width = static_cast<int>(g.kernel_width);
    const unsigned row = vector / vectors, k = vector % vectors * kElements, position = k / narrow(g.channels);
    int channel = static_cast<int>(k % narrow(g.channels)), kx = static_cast<int>(position % narrow(g.kernel_width));
    int ky = static_cast<int>(position / narrow(g.kernel_width));
    const unsigned line = row / narrow(g.out_width), image = line / narrow(g.out_height);
    const int left = static_cast<int>(row % narrow(g.out_width) * narrow(g.stride)) - static_cast<int>(g.padding);
    const int top = static_cast<int>(line % narrow(g.out_height) * narrow(g.stride)) - static_cast<int>(g.padding);
    const auto next = [&](int) {
      const int x_at = left + kx, y_at = top + ky;
      const bool is_inside = ky < g.kernel_height && x_at >= 0 && x_at < g.width && y_at >= 0 && y_at < g.height;
      const std::int64_t pixel = (std::int64_t{image} * g.height + y_at) * g.width + x_at;
      const float value = is_inside ? as_float(x[pixel * g.channels + channel]) : 0.0F;
      if (++channel == channels) {
        channel = 0;
        if (++kx == kernel_width) {
          kx = 0;
          ++ky;
        }
      }
      return value;
    };
    store(columns + at * kElements, make_values<kElements>(next));
  }
};

template <class T>
struct WindowColumnsBackward {
  static constexpr const char* kName = "window_columns_backward";
  static constexpr int kWidth = 1;
  const T* columns;
  T* dx;
  WindowGeometry g;

  template <int>
  GYRUS_DEVICE void run(std::int64_t at) const {
    const std::int64_t channel = at % g.channels, pixel = at / g.channels;
    const std::int64_t column = pixel % g.width + g.padding, line = pixel / g.width % g.height + g.padding;
    const std::int64_t image = pixel / g.width / g.height;
    float sum = 0;
    for (std::int64_t ky = line % g.stride; ky < g.kernel_height && ky <= line; ky += g.stride) {
      const std::int64_t oy = (line - ky) / g.stride;
      if (oy >= g.out_height) continue;
      for (std::int64_t kx = column % g.stride; kx < g.kernel_width && kx <= column; kx += g.stride) {
        const std::int64_t ox = (column - kx) / g.stride;
        if (ox >= g.out_width) continue;
        const std::int64_t row = (image * g.out_height + oy) * g.out_width + ox;
        sum += as_float(columns[row * g.row_width + (ky * g.kernel_width + kx) * g.channels + channel]);
      }
    }
    set_rounded(dx[at], sum);
  }
};

template <class T>
struct WeightRows {
  static constexpr const char* kName = "weight_rows";
  static constexpr int kWidth = 1;
  const float* masters;
  T* rows;
  std::int64_t channels, window, row_width;

  template <int>
  GYRUS_DEVICE void run(std::int64_t at) const {
    const std::int64_t out = at / row_width, k = at % row_width;
    const std::int64_t channel = k % channels, position = k / channels;
    set_rounded(rows[at], position < window ? masters[(out * channels + channel) * window + position] : 0.0F);
  }
};

struct WeightRowsBackward {
  static constexpr const char* kName = "weight_rows_backward";
  static constexpr int kWidth = 1;
  const float* rows;
  float* masters;
  std::int64_t channels, window, row_width;

  template <int>
  GYRUS_DEVICE void run(std::int64_t at) const {
    const std::int64_t position = at % window, channel = at / window % channels, out = at / window / channels;
    masters[at] = rows[out * row_width + position * channels + channel];
  }
};

}  // namespace

void window_columns_forward(Stream stream, const WindowColumnsArgs& args) {
  const WindowGeometry& g = args.geometry;
  const std::int64_t rows = g.images * g.out_height * g.out_width;
  GYRUS_CHECK(rows * g.row_width < std::int64_t{1} << 31, Code::internal, "columns of ", rows, " rows of ", g.row_width,
              " are more than the kernel counts");
  for_dtype(args.dtype, [&]<class T>(T) {
    for_width<T>(g.row_width, [&]<int kElements>(Width<kElements>) {
      launch_flat(stream, rows * (g.row_width / kElements),
                  WindowColumns<T, kElements>{static_cast<const T*>(args.x), static_cast<T*>(args.columns), g});
    });
  });
}

void window_columns_backward(Stream stream, const WindowColumnsBackwardArgs& args) {
  const WindowGeometry& g = args.geometry;
  for_dtype(args.dtype, [&]<class T>(T) {
    launch_flat(stream, g.images * g.height * g.width * g.channels,
                WindowColumnsBackward<T>{static_cast<const T*>(args.columns), static_cast<T*>(args.dx), g});
  });
}

void weight_rows_forward(Stream stream, const WeightRowsArgs& args) {
  for_dtype(args.dtype, [&]<class T>(T) {
    launch_flat(stream, args.out_channels * args.row_width,
                WeightRows<T>{args.masters, static_cast<T*>(args.rows), args.channels, args.window, args.row_width});
  });
}

void weight_rows_backward(Stream stream, const WeightRowsBackwardArgs& args) {
  launch_flat(stream, args.out_channels * args.channels * args.window,
              WeightRowsBackward{args.rows, args.masters, args.channels, args.window, args.row_width});
}

}  // namespace gyrus::backend::cuda
