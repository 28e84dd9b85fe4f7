// How per-channel kernels see a [rows, C] array so that vectors always fill: `repeat` rows side by side make one folded
// row whose width is a multiple of 16 elements. Column v of a folded row belongs to channel v mod C. Rows that do not
// fill a folded row are its last, partial one: its first `remainder` columns.
#pragma once

#include <cstdint>
#include <numeric>

#include "backend/cpu/simd/team.h"

namespace gyrus::backend::cpu {

struct RowFold {
  std::int64_t channels = 0, repeat = 1, width = 0;
  std::int64_t rows = 0;       // whole folded rows
  std::int64_t remainder = 0;  // columns of the partial row; 0: there is none

  RowFold() = default;
  RowFold(std::int64_t real_rows, std::int64_t c) : channels(c), repeat(16 / std::gcd<std::int64_t>(16, c)) {
    constexpr std::int64_t kLeastWidth = 64;  // four accumulators of the widest vectors
    while (repeat * c < kLeastWidth) repeat *= 2;
    width = repeat * c;
    rows = real_rows / repeat;
    remainder = real_rows % repeat * c;
  }
  // How many real rows copy `j` of the channels meets in folded rows [0, rows) and the partial row.
  std::int64_t partial_count(std::int64_t j) const { return (j + 1) * channels <= remainder ? 1 : 0; }
};

// One thread's part of a folded array: a band of rows over all columns, or all rows over a band of columns.
struct Tile {
  Range rows, columns;
  Range partial;  // its columns of the partial row
};

// Few rows and many channels (the heads' [16, 4096]) are divided by columns, everything else by rows.
class TileGrid {
 public:
  TileGrid() = default;
  TileGrid(const RowFold& fold, int threads)
      : fold_(fold), is_by_columns_(fold.rows < 32 * threads && fold.width >= kColumnGrain * threads) {}

  bool is_by_columns() const { return is_by_columns_; }
  // Partial sums there are for each column.
  int parts(const Team& team) const { return is_by_columns_ ? 1 : team.count; }
  int part_of(const Team& team) const { return is_by_columns_ ? 0 : team.index; }
  // Folded rows that part `part` of `parts` sums, the partial row not counted.
  std::int64_t rows_of(int part, int parts) const { return share_of(fold_.rows, part, parts).size(); }

  Tile tile(const Team& team) const {
    if (!is_by_columns_) {
      const bool is_last = team.index + 1 == team.count;
      return {team.share(fold_.rows), {0, fold_.width}, {0, is_last ? fold_.remainder : 0}};
    }
    const Range columns = team.share(fold_.width, kColumnGrain);
    return {{0, fold_.rows}, columns, {columns.begin, std::min(columns.end, fold_.remainder)}};
  }

 private:
  static constexpr std::int64_t kColumnGrain = 64;  // f32: four cache lines, bf16: two
  RowFold fold_;
  bool is_by_columns_ = false;
};

}  // namespace gyrus::backend::cpu
