#include "imaging/transpose.h"

#include <algorithm>
#include <array>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imaging/transpose.cc"
#define HWY_DISABLED_TARGETS HWY_SSSE3
#include <hwy/foreach_target.h>
// foreach_target.h must come first.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace gyrus::imaging {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

template <class T>
void transpose_scalar(Rows<const T> from, std::int64_t rows, std::int64_t columns, Rows<T> to) {
  for (std::int64_t column = 0; column < columns; ++column) {
    for (std::int64_t row = 0; row < rows; ++row) {
      to.data[column * to.step + row] = from.data[row * from.step + column];
    }
  }
}

#if HWY_TARGET == HWY_SCALAR

template <class T>
void transpose_all(Rows<const T> from, std::int64_t rows, std::int64_t columns, Rows<T> to) {
  transpose_scalar(from, rows, columns, to);
}

#else

constexpr std::int64_t kLine = 64, kRegister = 16;  // bytes

// A square block of as many rows as a register of 16 bytes has elements. Every stage interleaves the first half of the
// rows with the second: a perfect shuffle of all elements, and log2(rows) of them exchange rows and columns.
template <class T>
void transpose_block(Rows<const T> from, Rows<T> to) {
  constexpr std::size_t kRows = kRegister / sizeof(T);
  const hn::FixedTag<T, kRows> d;
  hn::Vec<decltype(d)> rows[kRows], next[kRows];
  for (std::size_t i = 0; i < kRows; ++i) rows[i] = hn::LoadU(d, from.data + static_cast<std::int64_t>(i) * from.step);
#pragma GCC unroll 4
  for (std::size_t stage = 1; stage < kRows; stage *= 2) {
#pragma GCC unroll 8
    for (std::size_t i = 0; i < kRows / 2; ++i) {
      next[2 * i] = hn::InterleaveLower(d, rows[i], rows[i + kRows / 2]);
      next[2 * i + 1] = hn::InterleaveUpper(d, rows[i], rows[i + kRows / 2]);
    }
#pragma GCC unroll 16
    for (std::size_t i = 0; i < kRows; ++i) rows[i] = next[i];
  }
#pragma GCC unroll 16
  for (std::size_t i = 0; i < kRows; ++i) hn::StoreU(rows[i], d, to.data + static_cast<std::int64_t>(i) * to.step);
}

// Rows in groups that fill a cache line of the result, which is written before the next one begins.
template <class T>
void transpose_all(Rows<const T> from, std::int64_t rows, std::int64_t columns, Rows<T> to) {
  constexpr std::int64_t kGroup = kLine / static_cast<std::int64_t>(sizeof(T));
  constexpr std::int64_t kBlock = kRegister / static_cast<std::int64_t>(sizeof(T));
  if (rows == 0 || columns == 0) return;
  const std::int64_t whole_rows = rows / kBlock * kBlock, whole_columns = columns / kBlock * kBlock;
  for (std::int64_t group = 0; group < whole_rows; group += kGroup) {
    for (std::int64_t column = 0; column < whole_columns; column += kBlock) {
      for (std::int64_t row = group; row < std::min(group + kGroup, whole_rows); row += kBlock) {
        transpose_block<T>({from.data + row * from.step + column, from.step},
                           {to.data + column * to.step + row, to.step});
      }
    }
    transpose_scalar<T>({from.data + group * from.step + whole_columns, from.step},
                        std::min(kGroup, whole_rows - group), columns - whole_columns,
                        {to.data + whole_columns * to.step + group, to.step});
  }
  transpose_scalar<T>({from.data + whole_rows * from.step, from.step}, rows - whole_rows, columns,
                      {to.data + whole_rows, to.step});
}

#endif

void transpose_u8(Rows<const std::uint8_t> from, std::int64_t rows, std::int64_t columns, Rows<std::uint8_t> to) {
  transpose_all(from, rows, columns, to);
}
void transpose_u16(Rows<const std::uint16_t> from, std::int64_t rows, std::int64_t columns, Rows<std::uint16_t> to) {
  transpose_all(from, rows, columns, to);
}
void transpose_f32(Rows<const float> from, std::int64_t rows, std::int64_t columns, Rows<float> to) {
  transpose_all(from, rows, columns, to);
}

}  // namespace HWY_NAMESPACE
}  // namespace gyrus::imaging
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gyrus::imaging {

HWY_EXPORT(transpose_u8);
HWY_EXPORT(transpose_u16);
HWY_EXPORT(transpose_f32);

void transpose(Rows<const std::uint8_t> from, std::int64_t rows, std::int64_t columns, Rows<std::uint8_t> to) {
  HWY_DYNAMIC_DISPATCH(transpose_u8)(from, rows, columns, to);
}
void transpose(Rows<const std::uint16_t> from, std::int64_t rows, std::int64_t columns, Rows<std::uint16_t> to) {
  HWY_DYNAMIC_DISPATCH(transpose_u16)(from, rows, columns, to);
}
void transpose(Rows<const float> from, std::int64_t rows, std::int64_t columns, Rows<float> to) {
  HWY_DYNAMIC_DISPATCH(transpose_f32)(from, rows, columns, to);
}

}  // namespace gyrus::imaging
#endif
