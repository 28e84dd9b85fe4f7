// Rows to columns, a block of registers at a time.
#pragma once

#include <cstdint>

namespace gyrus::imaging {

// Elements in memory as rows that begin `step` elements apart.
template <class T>
struct Rows {
  T* data = nullptr;
  std::int64_t step = 0;
};

// to[column][row] = from[row][column]. Reads and writes each element once, by whole cache lines where `from` has 64
// bytes in a row.
void transpose(Rows<const std::uint8_t> from, std::int64_t rows, std::int64_t columns, Rows<std::uint8_t> to);
void transpose(Rows<const std::uint16_t> from, std::int64_t rows, std::int64_t columns, Rows<std::uint16_t> to);
void transpose(Rows<const float> from, std::int64_t rows, std::int64_t columns, Rows<float> to);

}  // namespace gyrus::imaging
