// Kernels over the columns of a [rows, channels] array: how they are laid out, and sums over all rows in two stages of
// fixed order. Functions whose tables go by channel: column_map.h.
//
// A block is `lanes` threads side by side, kWidth channels each, and 256 / lanes rows deep; it walks the rows of its
// part, and every thread keeps its channels' sums, or tables, in registers.
#pragma once

#include "backend/cuda/kernels/device.h"

namespace gyrus::backend::cuda {

inline constexpr int kColumnThreads = 256;

struct ColumnGrid {
  std::int64_t rows = 0, channels = 0;
  std::int64_t tiles = 0;          // blocks side by side
  std::int64_t parts = 0;          // blocks below one another
  std::int64_t rows_per_part = 0;  // a multiple of depth()
  int lanes = 1;                   // a power of two, at most 32

  GYRUS_DEVICE int depth() const { return kColumnThreads / lanes; }
};

// `width`: channels a thread. Parts are as many as make `blocks` blocks, if each thread has `least_rows` rows then.
inline ColumnGrid make_column_grid(std::int64_t rows, std::int64_t channels, int width, std::int64_t blocks,
                                   std::int64_t least_rows) {
  ColumnGrid grid{.rows = rows, .channels = channels};
  while (grid.lanes < 32 && std::int64_t{grid.lanes} * width < channels) grid.lanes *= 2;
  grid.tiles = divide_up(channels, std::int64_t{grid.lanes} * width);
  const std::int64_t depth = kColumnThreads / grid.lanes;
  const std::int64_t wanted = divide_up(blocks, grid.tiles), most = divide_up(rows, depth * least_rows);
  grid.parts = wanted < most ? wanted : most;
  if (grid.parts < 1) grid.parts = 1;
  grid.rows_per_part = divide_up(divide_up(rows, grid.parts), depth) * depth;
  grid.parts = divide_up(rows, grid.rows_per_part);
  return grid;
}

// Channels a thread does at once: a whole access where rows divide into such, else one.
template <class T>
int column_width(std::int64_t channels) {
  return channels % kVector<T> == 0 ? kVector<T> : 1;
}

// Where a thread stands.
template <int kWidth>
struct ColumnPlace {
  std::int64_t channel, first_row, last_row;  // last_row: the end
  int depth;
  bool is_inside;

  GYRUS_DEVICE ColumnPlace(const ColumnGrid& grid, const Thread& thread) : depth(grid.depth()) {
    channel = (thread.block() * grid.lanes + thread.index() % grid.lanes) * kWidth;
    is_inside = channel < grid.channels;
    const std::int64_t begin = thread.block_y() * grid.rows_per_part;
    last_row = begin + grid.rows_per_part < grid.rows ? begin + grid.rows_per_part : grid.rows;
    first_row = begin + thread.index() / grid.lanes;
  }
};

// First stage: partial[(k * parts + part) * channels + channel] is the sum over the part's rows of the k-th term.
// Terms: kName, kSums, and two functions of N channels: tables<N>(channel) gives what is the same for all rows;
// add<N>(tables, at, row, sums) adds the terms of elements [at, at + N) of row `row` to Values<N> sums[kSums].
template <class Terms, int kWidth>
struct ColumnSums {
  static constexpr const char* kName = Terms::kName;
  static constexpr int kThreads = kColumnThreads;
  static constexpr bool kIsCooperative = true;

  Terms terms;
  ColumnGrid grid;
  float* partial;

  GYRUS_DEVICE void operator()(const Thread& thread) const {
    GYRUS_SHARED(float, shared, kThreads* kWidth);
    const ColumnPlace<kWidth> place(grid, thread);
    Values<kWidth> sums[Terms::kSums] = {};
    if (place.is_inside) {
      const auto tables = terms.template tables<kWidth>(place.channel);
      for (std::int64_t row = place.first_row; row < place.last_row; row += place.depth) {
        terms.template add<kWidth>(tables, row * grid.channels + place.channel, row, sums);
      }
    }
    // Threads of one lane, from the first row down; element i of a thread lies at i * kThreads: no bank conflicts.
    const int index = thread.index();
    GYRUS_UNROLL
    for (int k = 0; k < Terms::kSums; ++k) {
      GYRUS_UNROLL
      for (int i = 0; i < kWidth; ++i) shared[i * kThreads + index] = sums[k].at[i];
      thread.sync();
      for (int column = index; column < grid.lanes * kWidth; column += kThreads) {
        const int lane = column / kWidth, first = column % kWidth * kThreads + lane;
        float total = 0;
        for (int row = 0; row < place.depth; ++row) total += shared[first + row * grid.lanes];
        const std::int64_t channel = thread.block() * grid.lanes * kWidth + column;
        if (channel < grid.channels) {
          partial[(k * grid.parts + thread.block_y()) * grid.channels + channel] = total;
        }
      }
      thread.sync();
    }
  }
};

// Second stage: adds the parts in f64 and hands each channel's sums to finish(channel, sums). A block serves kChannels
// channels, 256 / kChannels threads each.
template <class Finish, int kChannels>
struct ColumnFinish {
  static constexpr const char* kName = Finish::kName;
  static constexpr int kThreads = 256;
  static constexpr bool kIsCooperative = kChannels < kThreads;

  Finish finish;
  const float* partial;
  std::int64_t parts, channels;

  GYRUS_DEVICE void operator()(const Thread& thread) const {
    const int index = thread.index(), row = index / kChannels;
    const std::int64_t channel = thread.block() * kChannels + index % kChannels;
    double sums[Finish::kSums];
    GYRUS_UNROLL
    for (int k = 0; k < Finish::kSums; ++k) {
      double sum = 0;
      if (channel < channels) {
        for (std::int64_t part = row; part < parts; part += kThreads / kChannels) {
          sum += static_cast<double>(partial[(k * parts + part) * channels + channel]);
        }
      }
      if constexpr (kIsCooperative) sum = over_rows(thread, sum);
      sums[k] = sum;
    }
    if (index < kChannels && channel < channels) finish(channel, sums);
  }

  // What the threads of one channel found, from the first on; the first of them gets it.
  GYRUS_DEVICE double over_rows(const Thread& thread, double sum) const {
    GYRUS_SHARED(double, shared, kThreads);
    const int index = thread.index();
    shared[index] = sum;
    thread.sync();
    if (index < kChannels) {
      sum = 0;
      for (int i = 0; i < kThreads / kChannels; ++i) sum += shared[i * kChannels + index];
    }
    thread.sync();
    return sum;
  }
};

// Few parts are one thread's work, many that of 32.
template <class Finish>
void launch_column_finish(Stream stream, const Finish& finish, const float* partial, std::int64_t parts,
                          std::int64_t channels) {
  if (parts <= 16) {
    launch(stream, {divide_up(channels, 256)}, ColumnFinish<Finish, 256>{finish, partial, parts, channels});
  } else {
    launch(stream, {divide_up(channels, 8)}, ColumnFinish<Finish, 8>{finish, partial, parts, channels});
  }
}

// Parts of a sum: enough blocks for the largest GPUs, and so few that the second stage stays small.
template <class T>
ColumnGrid sum_grid(std::int64_t rows, std::int64_t channels) {
  return make_column_grid(rows, channels, column_width<T>(channels), 1024, 4);
}
inline std::int64_t column_scratch_bytes(DType dtype, std::int64_t rows, std::int64_t channels, int sums) {
  std::int64_t parts = 0;
  for_dtype(dtype, [&]<class T>(T) { parts = sum_grid<T>(rows, channels).parts; });
  return parts * channels * sums * static_cast<std::int64_t>(sizeof(float));
}

template <class T, class Terms, class Finish>
void launch_column_sums(Stream stream, std::int64_t rows, std::int64_t channels, const Terms& terms,
                        const Finish& finish, float* partial) {
  static_assert(Terms::kSums == Finish::kSums);
  const ColumnGrid grid = sum_grid<T>(rows, channels);
  if (column_width<T>(channels) > 1) {
    launch(stream, {grid.tiles, grid.parts}, ColumnSums<Terms, kVector<T>>{terms, grid, partial});
  } else {
    launch(stream, {grid.tiles, grid.parts}, ColumnSums<Terms, 1>{terms, grid, partial});
  }
  launch_column_finish(stream, finish, partial, grid.parts, channels);
}

}  // namespace gyrus::backend::cuda
