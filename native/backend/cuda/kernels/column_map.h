// Functions of each element of a [rows, channels] array whose tables go by channel.
#pragma once

#include "backend/cuda/kernels/columns.h"

namespace gyrus::backend::cuda {

// A function of each element whose tables go by channel. Body: kName, tables<N>(channel) and run<N>(tables, at).
template <class Body, int kWidth>
struct ColumnMap {
  static constexpr const char* kName = Body::kName;
  static constexpr int kThreads = kColumnThreads;
  static constexpr bool kIsCooperative = false;

  Body body;
  ColumnGrid grid;

  GYRUS_DEVICE void operator()(const Thread& thread) const {
    const ColumnPlace<kWidth> place(grid, thread);
    if (!place.is_inside) return;
    const auto tables = body.template tables<kWidth>(place.channel);
    for (std::int64_t row = place.first_row; row < place.last_row; row += place.depth) {
      body.template run<kWidth>(tables, row * grid.channels + place.channel);
    }
  }
};

template <class T, class Body>
void launch_column_map(Stream stream, std::int64_t rows, std::int64_t channels, const Body& body) {
  // Eight rows a thread repay the reading of the tables.
  const ColumnGrid grid = make_column_grid(rows, channels, column_width<T>(channels), 65535, 8);
  if (column_width<T>(channels) > 1) {
    launch(stream, {grid.tiles, grid.parts}, ColumnMap<Body, kVector<T>>{body, grid});
  } else {
    launch(stream, {grid.tiles, grid.parts}, ColumnMap<Body, 1>{body, grid});
  }
}

}  // namespace gyrus::backend::cuda
