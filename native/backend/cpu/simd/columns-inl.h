// Loops over flat arrays and over tiles of folded rows, for one target: bodies are written for one vector and work on
// whole vectors and on the end of an array alike. Included once per target, after foreach_target.h.
#if defined(GYRUS_SIMD_COLUMNS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GYRUS_SIMD_COLUMNS_INL_H
#undef GYRUS_SIMD_COLUMNS_INL_H
#else
#define GYRUS_SIMD_COLUMNS_INL_H
#endif

#include <type_traits>

#include "backend/cpu/simd/column_sums.h"
#include "backend/cpu/simd/pack_hwy-inl.h"
#include "backend/cpu/simd/row_fold.h"

HWY_BEFORE_NAMESPACE();
namespace gyrus::backend::cpu {
namespace HWY_NAMESPACE {

// How a body reads and writes: whole vectors, or the first `count` lanes.
struct WholeVector {
  template <class T>
  HWY_INLINE Vec read(const T* p) const {
    return load(p);
  }
  template <class T>
  HWY_INLINE void write(T* p, Vec v) const {
    store(p, v);
  }
  template <class T>
  HWY_INLINE void write_past_cache(T* p, Vec v) const {
    stream(p, v);
  }
  // Writes v and returns it as it will be read back.
  template <class T>
  HWY_INLINE Vec write_rounded(T* p, Vec v) const {
    return store_rounded(p, v);
  }
  HWY_INLINE Vec keep(Vec v) const { return v; }
  HWY_INLINE Vec keep_or(Vec v, Vec /*beyond*/) const { return v; }
};

struct PartOfVector {
  std::int64_t count;
  template <class T>
  HWY_INLINE Vec read(const T* p) const {
    return load_some(p, count);
  }
  template <class T>
  HWY_INLINE void write(T* p, Vec v) const {
    store_some(p, v, count);
  }
  template <class T>
  HWY_INLINE void write_past_cache(T* p, Vec v) const {
    write(p, v);
  }
  template <class T>
  HWY_INLINE Vec write_rounded(T* p, Vec v) const {
    HWY_ALIGN T buffer[HWY_MAX_BYTES / sizeof(float)];
    const Vec rounded = store_rounded(buffer, v);
    std::memcpy(p, buffer, static_cast<std::size_t>(count) * sizeof(T));
    return rounded;
  }
  // Zero in the lanes beyond the end, so that sums may take all lanes.
  HWY_INLINE Vec keep(Vec v) const { return hn::IfThenElseZero(hn::FirstN(F32(), static_cast<std::size_t>(count)), v); }
  HWY_INLINE Vec keep_or(Vec v, Vec beyond) const {
    return hn::IfThenElse(hn::FirstN(F32(), static_cast<std::size_t>(count)), v, beyond);
  }
};

// body(access, i) for each vector of [begin, end), the last one possibly short.
template <class Body>
HWY_INLINE void for_vectors(Range range, const Body& body) {
  const std::int64_t step = lanes();
  std::int64_t i = range.begin;
  for (; i + step <= range.end; i += step) body(WholeVector{}, i);
  if (i < range.end) body(PartOfVector{range.end - i}, i);
}

// Copies `count` numbers as f32.
template <class T>
HWY_INLINE void widen(const T* from, std::int64_t count, float* to) {
  for_vectors({0, count}, [=](auto access, std::int64_t i) HWY_ATTR { access.write(to + i, access.read(from + i)); });
}

// for_vectors, two vectors at a time where there are two: for flat arrays, where a body is a dozen instructions.
template <class Body>
HWY_INLINE void for_flat(Range range, const Body& body) {
  const std::int64_t step = lanes();
  std::int64_t i = range.begin;
  for (; i + 2 * step <= range.end; i += 2 * step) {
    body(WholeVector{}, i);
    body(WholeVector{}, i + step);
  }
  for_vectors({i, range.end}, body);
}

template <int kCount>
using Rows = std::integral_constant<int, kCount>;

// Rows in groups: body(Rows<kGroup>, row) while there are that many, then body(Rows<1>, row).
template <int kGroup, class Body>
HWY_INLINE void for_row_groups(Range rows, const Body& body) {
  std::int64_t row = rows.begin;
  for (; row + kGroup <= rows.end; row += kGroup) body(Rows<kGroup>{}, row);
  for (; row < rows.end; ++row) body(Rows<1>{}, row);
}

// f32 sums of a block of rows move to f64 and start again from zero.
HWY_INLINE void move_to_totals(const ColumnSums& sums, Range columns) {
  const F64 d64;
  const hn::Rebind<float, F64> half;
  const std::int64_t step = static_cast<std::int64_t>(hn::Lanes(d64));
  const auto move = [&](float* from, double* to) {
    hn::StoreU(hn::Add(hn::LoadU(d64, to), hn::PromoteTo(d64, hn::LoadU(half, from))), d64, to);
    hn::StoreU(hn::Zero(half), half, from);
  };
  for (std::int64_t v = columns.begin; v < columns.end; v += step) {
    move(sums.first + v, sums.first_total + v);
    move(sums.second + v, sums.second_total + v);
  }
}

HWY_INLINE void clear_sums(const ColumnSums& sums, Range columns) {
  std::fill(sums.first + columns.begin, sums.first + columns.end, 0.0F);
  std::fill(sums.second + columns.begin, sums.second + columns.end, 0.0F);
  std::fill(sums.first_total + columns.begin, sums.first_total + columns.end, 0.0);
  std::fill(sums.second_total + columns.begin, sums.second_total + columns.end, 0.0);
}

// Rows whose f32 sums are added before they move to f64.
inline constexpr std::int64_t kSumRows = 128;

// add(Rows<n>, row, columns) over a tile in blocks of kSumRows, then the partial row; sums end in the totals.
template <int kGroup, class Add>
HWY_INLINE void sum_tile(const Tile& tile, std::int64_t partial_row, const ColumnSums& sums, const Add& add) {
  clear_sums(sums, tile.columns);
  for (std::int64_t begin = tile.rows.begin; begin < tile.rows.end; begin += kSumRows) {
    const Range block{begin, std::min(begin + kSumRows, tile.rows.end)};
    for_row_groups<kGroup>(block, [&](auto count, std::int64_t row) { add(count, row, tile.columns); });
    move_to_totals(sums, tile.columns);
  }
  if (!tile.partial.is_empty()) {
    add(Rows<1>{}, partial_row, tile.partial);
    move_to_totals(sums, tile.columns);
  }
}

// apply(Rows<n>, row, columns) over a tile, last block of rows first: what the summing pass read last is still in
// cache.
template <int kGroup, class Apply>
HWY_INLINE void apply_tile(const Tile& tile, std::int64_t partial_row, const Apply& apply) {
  constexpr std::int64_t kBlock = 64;
  if (!tile.partial.is_empty()) apply(Rows<1>{}, partial_row, tile.partial);
  for (std::int64_t end = tile.rows.end; end > tile.rows.begin; end -= std::min(kBlock, end - tile.rows.begin)) {
    const Range block{std::max(end - kBlock, tile.rows.begin), end};
    for_row_groups<kGroup>(block, [&](auto count, std::int64_t row) { apply(count, row, tile.columns); });
  }
}

// Vectors of f64 over channels [begin, end), then one at a time: body(tag, channel).
template <class Body>
HWY_INLINE void for_channels(Range channels, const Body& body) {
  const F64 d64;
  const std::int64_t step = static_cast<std::int64_t>(hn::Lanes(d64));
  std::int64_t c = channels.begin;
  for (; c + step <= channels.end; c += step) body(d64, c);
  for (; c < channels.end; ++c) body(hn::CappedTag<double, 1>(), c);
}

template <class D>
HWY_INLINE hn::Vec<D> load_f64(D d, const float* p) {
  return hn::PromoteTo(d, hn::LoadU(hn::Rebind<float, D>(), p));
}
template <class D>
HWY_INLINE void store_f32(D /*d*/, hn::Vec<D> v, float* p) {
  const hn::Rebind<float, D> half;
  hn::StoreU(hn::DemoteTo(half, v), half, p);
}

}  // namespace HWY_NAMESPACE
}  // namespace gyrus::backend::cpu
HWY_AFTER_NAMESPACE();

#endif
