#include "imaging/slice_extractor.h"

#include <cmath>
#include <cstdlib>

#include "core/error.h"
#include "imaging/grey_levels.h"

namespace gyrus::imaging {
namespace {

std::uint16_t level_of(double value, const Window& window) {
  if (window.is_flat() || !(value > window.low)) return 0;
  const double scaled = (value - window.low) / (window.high - window.low) * 65535;
  return static_cast<std::uint16_t>(std::floor(std::fmin(scaled, 65535) + 0.5));
}

// A slice line by line as memory has them: its rows, or, where a row's pixels lie further apart than a column's, its
// columns. Along the far axis of a volume of 256 x 256 all of them would fall into one set of the caches.
struct Lines {
  std::int64_t count, length;          // lines, and elements of each
  std::int64_t line_step, step;        // in the volume
  std::int64_t to_line_step, to_step;  // in the upright slice
};

Lines lines_of(const SliceView& view) {
  const Lines rows{view.rows, view.columns, view.row_step, view.column_step, view.columns, 1};
  if (std::abs(view.column_step) <= std::abs(view.row_step)) return rows;
  return {rows.length, rows.count, rows.step, rows.line_step, rows.to_step, rows.to_line_step};
}

template <class T>
void look_up(const T* from, const Lines& lines, std::span<const std::uint16_t> level_of, std::uint16_t* to) {
  for (std::int64_t line = 0; line < lines.count; ++line, from += lines.line_step, to += lines.to_line_step) {
    for (std::int64_t i = 0; i < lines.length; ++i) to[i * lines.to_step] = level_of[from[i * lines.step]];
  }
}

}  // namespace

void SliceExtractor::fill_levels(const Volume& volume, const Window& window) {
  const Voxels& voxels = volume.voxels;
  const std::int64_t keys = voxels.kind == VoxelKind::u8 ? 256 : 65536;
  level_of_.resize(static_cast<std::size_t>(keys));
  for (std::int64_t key = 0; key < keys; ++key) {
    level_of_[static_cast<std::size_t>(key ^ voxels.sign)] = level_of(voxels.value_of(key), window);
  }
}

void SliceExtractor::read_upright(const Volume& volume, const SliceView& view, const Window& window) {
  upright_.resize(static_cast<std::size_t>(view.rows * view.columns));
  const Lines lines = lines_of(view);
  switch (volume.voxels.kind) {
    case VoxelKind::u8:
      return look_up(static_cast<const std::uint8_t*>(volume.voxels.data) + view.start, lines, level_of_,
                     upright_.data());
    case VoxelKind::u16:
      return look_up(static_cast<const std::uint16_t*>(volume.voxels.data) + view.start, lines, level_of_,
                     upright_.data());
    case VoxelKind::f32:
      break;
  }
  values_.resize(static_cast<std::size_t>(lines.length));
  levels_.resize(values_.size());
  for (std::int64_t line = 0; line < lines.count; ++line) {
    const float* from = static_cast<const float*>(volume.voxels.data) + view.start + line * lines.line_step;
    for (std::int64_t i = 0; i < lines.length; ++i) values_[static_cast<std::size_t>(i)] = from[i * lines.step];
    to_levels_16(values_, window, levels_);
    std::uint16_t* to = upright_.data() + line * lines.to_line_step;
    for (std::int64_t i = 0; i < lines.length; ++i) to[i * lines.to_step] = levels_[static_cast<std::size_t>(i)];
  }
}

void SliceExtractor::extract(const Volume& volume, const Request& request, std::span<const std::int64_t> indices,
                             std::span<std::uint16_t> out) {
  if (indices.empty()) return;
  check_extents(volume);
  const auto pixels = static_cast<std::size_t>(request.size * request.size);
  GYRUS_ASSERT(out.size() == indices.size() * pixels);
  if (volume.voxels.kind != VoxelKind::f32) fill_levels(volume, request.window);
  for (std::size_t i = 0; i < indices.size(); ++i) {
    const SliceView view = slice_view(volume, request.plane, indices[i]);
    read_upright(volume, view, request.window);
    resampler_.prepare({view.rows, view.columns, view.row_mm, view.column_mm, request.size});
    resampler_.run(upright_, out.subspan(i * pixels, pixels));
  }
}

}  // namespace gyrus::imaging
