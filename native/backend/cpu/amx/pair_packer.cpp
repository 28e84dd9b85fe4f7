#include "backend/cpu/amx/pair_packer.h"

#include <algorithm>
#include <cstring>

#include "backend/cpu/amx/pack_pairs.h"
#include "backend/cpu/amx/tile_ops.h"

namespace gyrus::backend::cpu::amx {
namespace {

// Positions packed at once before they are transposed, while they are in the L1 cache.
constexpr std::int64_t kPiece = 64;

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

void fill_zero(std::int64_t begin, std::int64_t end, std::int64_t channels, std::byte* to, std::int64_t block_bytes) {
  if (begin < end) pack_pairs({}, end - begin, channels, to + begin * kRowBytes, block_bytes);
}

void transpose_blocks(std::byte* to, std::int64_t blocks, std::int64_t block_bytes, std::int64_t begin_step,
                      std::int64_t end_step) {
  for (std::int64_t b = 0; b < blocks; ++b) {
    transpose_tiles(to + b * block_bytes + begin_step * kTileBytes, end_step - begin_step);
  }
}

}  // namespace

Unit PairPacker::unit(std::int64_t index) const {
  Unit unit;
  if (plan_.is_pointwise) {
    unit.rows = 1;
    unit.column = index * plan_.unit_columns;
    unit.columns = std::min(plan_.unit_columns, plan_.pitch - unit.column);
    unit.positions = unit.columns;
  } else {
    unit.pair = index / plan_.row_units;
    unit.row = index % plan_.row_units * plan_.unit_rows;
    unit.rows = std::min(plan_.unit_rows, plan_.g.oh - unit.row);
    unit.columns = plan_.g.ow;
    unit.positions = unit.rows * plan_.pitch;
  }
  unit.steps = ceil_div(unit.positions, kTileRows);
  return unit;
}

std::int64_t PairPacker::reach(std::size_t phase) const {
  std::int64_t reach = 0;
  for (const Tap& tap : plan_.taps) {
    if (tap.phase == phase) reach = std::max(reach, tap.offset);
  }
  return reach;
}

std::int64_t PairPacker::b_block_bytes(std::size_t phase) const {
  return ((plan_.unit_steps() * kTileRows + reach(phase)) | 1) * kRowBytes;
}

std::int64_t PairPacker::b_phase_offset(std::size_t phase, std::int64_t groups) const {
  std::int64_t offset = 0;
  for (std::size_t before = 0; before < phase; ++before) offset += 2 * groups * b_block_bytes(before);
  return offset;
}

std::int64_t PairPacker::b_unit_bytes(std::int64_t groups) const { return b_phase_offset(plan_.phases.size(), groups); }

std::int64_t PairPacker::padded_row_elements() const {
  const ConvGeometry& g = plan_.g;
  return plan_.has_columns_as_channels ? ((g.ow - 1) * g.stride + g.kw) * g.ci : 0;
}

std::int64_t PairPacker::row_buffer_bytes() const {
  return 2 * ceil_div(padded_row_elements() * 2, kRowBytes) * kRowBytes;
}

PairPacker::Images PairPacker::images(const bf16_t* base, std::int64_t pair, std::int64_t image_elements) const {
  Images images;
  images.first = base + 2 * pair * image_elements;
  images.has_second = 2 * pair + 1 < plan_.g.n;
  images.second = images.has_second ? images.first + image_elements : images.first;
  return images;
}

void PairPacker::pack_a(const bf16_t* dy, const Unit& unit, std::int64_t group, std::int64_t groups,
                        std::byte* to) const {
  const ConvGeometry& g = plan_.g;
  const std::int64_t channels = std::min(g.co - group * kGroup, groups * kGroup), block_bytes = a_block_bytes();
  const Images source = images(dy + group * kGroup, unit.pair, g.oh * g.ow * g.co);
  const std::int64_t blocks = 2 * groups_of(channels);
  std::int64_t position = 0, transposed = 0;
  const auto transpose_whole = [&] {
    transpose_blocks(to, blocks, block_bytes, transposed, position / kTileRows);
    transposed = position / kTileRows;
  };
  for (std::int64_t row = 0; row < unit.rows; ++row) {
    // The pointwise row may end one position earlier in the second half.
    const std::int64_t start = (unit.row + row) * g.ow + unit.column;
    const std::int64_t second = source.has_second ? g.ow - (plan_.is_second_shorter ? 1 : 0) - unit.column : 0;
    const std::int64_t count = plan_.is_pointwise ? unit.columns : plan_.pitch;
    for (std::int64_t p = 0; p < count; p += kPiece) {
      const std::int64_t offset = (start + p) * g.co;
      pack_pairs({source.first + offset, source.second + offset, std::max<std::int64_t>(0, unit.columns - p),
                  std::clamp<std::int64_t>(second - p, 0, std::max<std::int64_t>(0, unit.columns - p)), g.co},
                 std::min(kPiece, count - p), channels, to + position * kRowBytes, block_bytes);
      position += std::min(kPiece, count - p);
      transpose_whole();
    }
  }
  fill_zero(position, unit.steps * kTileRows, channels, to, block_bytes);
  position = unit.steps * kTileRows;
  transpose_whole();
}

void PairPacker::pack_b(const bf16_t* x, const Unit& unit, std::int64_t group, std::int64_t groups,
                        std::byte* row_buffer, std::byte* to) const {
  const ConvGeometry& g = plan_.g;
  const std::int64_t channels = std::min(plan_.channels - group * kGroup, groups * kGroup);
  const Images source = images(x, unit.pair, g.h * g.w * g.ci);
  for (std::size_t index = 0; index < plan_.phases.size(); ++index) {
    const Phase& phase = plan_.phases[index];
    const std::int64_t block_bytes = b_block_bytes(index);
    std::byte* block = to + b_phase_offset(index, groups);
    std::int64_t position = 0;
    if (plan_.is_pointwise) {
      const std::int64_t offset = unit.column * g.ci + group * kGroup;
      const std::int64_t second = g.ow - (plan_.is_second_shorter ? 1 : 0) - unit.column;
      pack_pairs({source.first + offset, source.second + offset, unit.columns, std::min(second, unit.columns), g.ci},
                 unit.columns, channels, block, block_bytes);
      position = unit.columns;
    } else {
      for (std::int64_t row = 0; row < unit.rows + phase.extra_rows; ++row, position += plan_.pitch) {
        const std::int64_t h = (unit.row + row) * g.stride + phase.row - g.padding;
        const BRow target{h, group, channels, block + position * kRowBytes, block_bytes};
        if (plan_.has_columns_as_channels) {
          pack_b_merged(source, target, row_buffer);
        } else {
          pack_b_row(source, target, phase);
        }
      }
    }
    fill_zero(position, unit.steps * kTileRows + reach(index), channels, block, block_bytes);
  }
}

// Position j holds column j stride + phase.column - padding of row h, zero outside of the image.
void PairPacker::pack_b_row(const Images& x, const BRow& row, const Phase& phase) const {
  const ConvGeometry& g = plan_.g;
  if (row.h < 0 || row.h >= g.h) return fill_zero(0, plan_.pitch, row.channels, row.to, row.block_bytes);
  const std::int64_t shift = g.padding - phase.column;
  const std::int64_t begin = std::clamp<std::int64_t>(shift > 0 ? ceil_div(shift, g.stride) : 0, 0, plan_.pitch);
  const std::int64_t last = g.w - 1 + shift;  // in units of columns; negative: no column at all
  const std::int64_t end = last < 0 ? begin : std::clamp(last / g.stride + 1, begin, plan_.pitch);
  fill_zero(0, begin, row.channels, row.to, row.block_bytes);
  const std::int64_t offset = (row.h * g.w + begin * g.stride - shift) * g.ci + row.group * kGroup;
  pack_pairs({x.first + offset, x.second + offset, end - begin, x.has_second ? end - begin : 0, g.stride * g.ci},
             end - begin, row.channels, row.to + begin * kRowBytes, row.block_bytes);
  fill_zero(end, plan_.pitch, row.channels, row.to, row.block_bytes);
}

// Position j holds columns j stride - padding … + kw of row h, all channels of each: one run of a zero-padded row.
void PairPacker::pack_b_merged(const Images& x, const BRow& row, std::byte* row_buffer) const {
  const ConvGeometry& g = plan_.g;
  if (row.h < 0 || row.h >= g.h) return fill_zero(0, plan_.pitch, row.channels, row.to, row.block_bytes);
  const std::int64_t elements = padded_row_elements(), left = std::min(g.padding * g.ci, elements);
  const std::int64_t inner = std::min(g.w * g.ci, elements - left);
  bf16_t* padded[2] = {reinterpret_cast<bf16_t*>(row_buffer),
                       reinterpret_cast<bf16_t*>(row_buffer + row_buffer_bytes() / 2)};
  const bf16_t* source[2] = {x.first, x.second};
  for (int image = 0; image < (x.has_second ? 2 : 1); ++image) {
    const auto bytes = [](std::int64_t count) { return static_cast<std::size_t>(count) * sizeof(bf16_t); };
    std::memset(padded[image], 0, bytes(left));
    std::memcpy(padded[image] + left, source[image] + row.h * g.w * g.ci, bytes(inner));
    std::memset(padded[image] + left + inner, 0, bytes(elements - left - inner));
  }
  const std::int64_t offset = row.group * kGroup;
  pack_pairs({padded[0] + offset, padded[1] + offset, plan_.pitch, x.has_second ? plan_.pitch : 0, g.stride * g.ci},
             plan_.pitch, row.channels, row.to, row.block_bytes);
}

}  // namespace gyrus::backend::cpu::amx
