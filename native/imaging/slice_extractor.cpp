#include "imaging/slice_extractor.h"

#include <cmath>

#include "core/error.h"
#include "imaging/grey_levels.h"

namespace gyrus::imaging {
namespace {

std::uint16_t level_of(double value, const Window& window) {
  if (window.is_flat() || !(value > window.low)) return 0;
  const double scaled = (value - window.low) / (window.high - window.low) * 65535;
  return static_cast<std::uint16_t>(std::floor(std::fmin(scaled, 65535) + 0.5));
}

template <class T>
void look_up(const T* data, const SliceView& view, std::span<const std::uint16_t> level_of, std::uint16_t* to) {
  for (std::int64_t y = 0; y < view.rows; ++y) {
    const T* row = data + view.start + y * view.row_step;
    for (std::int64_t x = 0; x < view.columns; ++x) *to++ = level_of[row[x * view.column_step]];
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
  switch (volume.voxels.kind) {
    case VoxelKind::u8:
      return look_up(static_cast<const std::uint8_t*>(volume.voxels.data), view, level_of_, upright_.data());
    case VoxelKind::u16:
      return look_up(static_cast<const std::uint16_t*>(volume.voxels.data), view, level_of_, upright_.data());
    case VoxelKind::f32:
      break;
  }
  row_.resize(static_cast<std::size_t>(view.columns));
  for (std::int64_t y = 0; y < view.rows; ++y) {
    const float* row = static_cast<const float*>(volume.voxels.data) + view.start + y * view.row_step;
    for (std::int64_t x = 0; x < view.columns; ++x) row_[static_cast<std::size_t>(x)] = row[x * view.column_step];
    to_levels_16(row_, window, std::span(upright_).subspan(static_cast<std::size_t>(y * view.columns), row_.size()));
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
