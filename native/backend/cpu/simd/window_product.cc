// The product of window_product.h. A block of output positions is copied as f32 into cache (or used where it lies);
// then, panel by panel of the weights, register tiles of 6 positions by 4 vectors of columns (2 where there are 16
// registers) run over the whole window: 2 operations for each number of a row and column, 4 loads of weights and 6 of x
// for 24 multiply-adds. x is read from memory once, y written once; the weights come from L2 or beyond once a block.
#include "backend/cpu/simd/window_product.h"

#include <algorithm>
#include <cstddef>

#include "backend/cpu/simd/pack_panels.h"
#include "backend/cpu/simd/targets.h"
#include "backend/cpu/simd/team.h"
#include "backend/cpu/simd/window_blocks.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/simd/window_product.cc"
#include <hwy/foreach_target.h>
// foreach_target.h must come first.
#include "backend/cpu/simd/columns-inl.h"
#include "backend/cpu/simd/register_tile-inl.h"
#include "math/gelu.h"

#ifndef GYRUS_SIMD_WINDOW_PRODUCT_JOB
#define GYRUS_SIMD_WINDOW_PRODUCT_JOB
namespace gyrus::backend::cpu {

struct WindowProductJob {
  WindowProductShape shape;
  WindowBlocks blocks;
  const void* x = nullptr;                         // [N, H, W, C]
  const float *panels = nullptr, *bias = nullptr;  // bias may be null
  void *y = nullptr, *pre = nullptr;               // [rows, columns]; pre: what the gelu is taken of
  std::byte* scratch = nullptr;                    // thread_bytes() a thread
  bool are_blocks_shared = true;                   // otherwise the threads share the panels

  std::int64_t table_bytes() const { return (blocks.rows * 8 + 63) / 64 * 64; }
  std::int64_t thread_bytes() const {
    const std::int64_t floats = blocks.rows * panel_columns() + blocks.copied_floats;
    return (table_bytes() + floats * 4 + 4095) / 4096 * 4096;
  }
};

}  // namespace gyrus::backend::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace gyrus::backend::cpu {
namespace HWY_NAMESPACE {

// Output rows [first_row, first_row + band) of one image: the pixels under their windows, with zeros around the image.
template <class T>
void copy_band(const WindowProductJob& job, std::int64_t image, std::int64_t first_row, std::int64_t band, float* to) {
  const WindowProductShape& s = job.shape;
  const std::int64_t width = job.blocks.padded_width, line = width * s.channels;
  const std::int64_t left = std::min(s.left, width), inside = std::clamp<std::int64_t>(s.w, 0, width - left);
  const T* x = static_cast<const T*>(job.x) + image * s.h * s.w * s.channels;
  for (std::int64_t r = 0; r < (band - 1) * s.stride + s.kh; ++r, to += line) {
    const std::int64_t row = first_row * s.stride + r - s.top;
    if (row < 0 || row >= s.h) {
      std::fill(to, to + line, 0.0F);
      continue;
    }
    std::fill(to, to + left * s.channels, 0.0F);
    widen(x + row * s.w * s.channels, inside * s.channels, to + left * s.channels);
    std::fill(to + (left + inside) * s.channels, to + line, 0.0F);
  }
}

// Fills `table` with the address of every position's first number, copying what has to be; returns the positions.
template <class T>
Range prepare_windows(const WindowProductJob& job, std::int64_t block, float* copy, const float** table) {
  const WindowProductShape& s = job.shape;
  const WindowBlocks& b = job.blocks;
  const std::int64_t bands = (s.oh + b.band - 1) / b.band;
  const std::int64_t image = b.images > 1 || b.band == s.oh ? block * b.images : block / bands;
  const std::int64_t first_row = b.band == s.oh ? 0 : block % bands * b.band;
  const std::int64_t images = std::min(b.images, s.n - image), band = std::min(b.band, s.oh - first_row);
  const std::int64_t line = b.padded_width * s.channels, copied = ((band - 1) * s.stride + s.kh) * line;
  std::int64_t position = 0;
  for (std::int64_t i = 0; i < images; ++i, copy += copied) {
    copy_band<T>(job, image + i, first_row, band, copy);
    for (std::int64_t row = 0; row < band; ++row) {
      const float* at = copy + row * s.stride * line;
      for (std::int64_t column = 0; column < s.ow; ++column, at += s.stride * s.channels) table[position++] = at;
    }
  }
  const std::int64_t first = (image * s.oh + first_row) * s.ow;
  return {first, first + position};
}

// The same for a pointwise product: the rows are pixels, picked out where the stride leaves some out.
template <class T>
Range prepare_rows(const WindowProductJob& job, std::int64_t block, float* copy, const float** table) {
  const WindowProductShape& s = job.shape;
  const std::int64_t first = block * job.blocks.rows, count = std::min(job.blocks.rows, s.rows() - first);
  const std::int64_t stride = s.channels + 16;  // rows a power of two apart would share few sets of the cache
  for (std::int64_t i = 0; i < count; ++i) {
    std::int64_t pixel = first + i;
    if (s.stride != 1) {
      const std::int64_t image = pixel / (s.oh * s.ow), row = pixel / s.ow % s.oh, column = pixel % s.ow;
      pixel = (image * s.h + row * s.stride) * s.w + column * s.stride;
    }
    const T* x = static_cast<const T*>(job.x) + pixel * s.channels;
    if (job.blocks.is_copied) widen(x, s.channels, copy + i * stride);
    table[i] = job.blocks.is_copied ? copy + i * stride : reinterpret_cast<const float*>(x);
  }
  return {first, first + count};
}

// What becomes of a finished tile.
template <class T, bool kHasGelu>
struct Finish {
  const float* bias;
  T *y, *pre;
  std::int64_t columns, stride;  // columns of this panel that exist; stride of y

  // Asks for the lines that a full tile will be written to, while it is computed.
  HWY_INLINE void expect(std::int64_t row) const {
    for (std::int64_t r = 0; r < kTileRows; ++r) {
      for (std::int64_t c = 0; c < columns; c += 64 / static_cast<std::int64_t>(sizeof(T))) {
        __builtin_prefetch(y + (row + r) * stride + c, 1);
      }
    }
  }

  template <int kRows>
  HWY_INLINE void operator()(const RegisterTile<kRows>& tile, std::int64_t row) const {
    for (int v = 0; v < kTileVectors; ++v) {
      const std::int64_t column = v * lanes(), left = columns - column;
      if (left >= lanes()) {
        write<kRows>(WholeVector{}, tile, v, row, column);
      } else if (left > 0) {
        write<kRows>(PartOfVector{left}, tile, v, row, column);
      }
    }
  }

  template <int kRows, class Access>
  HWY_INLINE void write(Access access, const RegisterTile<kRows>& tile, int v, std::int64_t row,
                        std::int64_t column) const {
    const Vec offset = bias != nullptr ? access.read(bias + column) : zero();
    for (int r = 0; r < kRows; ++r) {
      const std::int64_t at = (row + r) * stride + column;
      const Vec value = hn::Add(tile.sums[r][v], offset);
      if constexpr (kHasGelu) {
        access.write(pre + at, value);
        access.write(y + at, math::HWY_NAMESPACE::gelu<HwyPack>(value));
      } else {
        access.write(y + at, value);
      }
    }
  }
};

template <class T, bool kHasGelu>
void window_product_as(const WindowProductJob& job, const Team& team) {
  const WindowProductShape& s = job.shape;
  std::byte* scratch = job.scratch + team.index * job.thread_bytes();
  auto* table = reinterpret_cast<const float**>(scratch);
  auto* partial = reinterpret_cast<float*>(scratch + job.table_bytes());
  float* copy = partial + job.blocks.rows * tile_columns();
  const std::int64_t all_panels = panel_count(s), panel_floats = s.inner() * tile_columns();
  const Range blocks = job.are_blocks_shared ? team.share(job.blocks.count) : Range{0, job.blocks.count};
  const Range panels = job.are_blocks_shared ? Range{0, all_panels} : team.share(all_panels);
  const Window window{s.kh, s.kw * s.channels, job.blocks.padded_width * s.channels};
  for (std::int64_t block = blocks.begin; block < blocks.end && !panels.is_empty(); ++block) {
    const Range rows =
        s.is_pointwise() ? prepare_rows<T>(job, block, copy, table) : prepare_windows<T>(job, block, copy, table);
    for (std::int64_t panel = panels.begin; panel < panels.end; ++panel) {
      const std::int64_t column = panel * tile_columns(), at = rows.begin * s.columns + column;
      const Finish<T, kHasGelu> finish{job.bias != nullptr ? job.bias + column : nullptr, static_cast<T*>(job.y) + at,
                                       kHasGelu ? static_cast<T*>(job.pre) + at : nullptr,
                                       std::min(tile_columns(), s.columns - column), s.columns};
      multiply_rows(table, rows.size(), window, job.panels + panel * panel_floats, partial, finish);
    }
  }
}

void window_product(const WindowProductJob& job, const Team& team) {
  if (job.shape.dtype == DType::bf16) {
    job.shape.has_gelu ? window_product_as<bf16_t, true>(job, team) : window_product_as<bf16_t, false>(job, team);
  } else {
    job.shape.has_gelu ? window_product_as<float, true>(job, team) : window_product_as<float, false>(job, team);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace gyrus::backend::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gyrus::backend::cpu {
namespace {

HWY_EXPORT(window_product);

class WindowProduct final : public Kernel {
 public:
  WindowProduct(const WindowProductShape& shape, int threads)
      : job_{.shape = shape, .blocks = WindowBlocks(shape, threads)}, threads_(threads) {
    job_.are_blocks_shared = job_.blocks.count >= 2 * threads || job_.blocks.count % threads == 0;
  }

  std::int64_t scratch_bytes() const override { return job_.thread_bytes() * threads_; }

  void bind(const KernelArgs& args) override {
    job_.x = args.in[0];
    job_.panels = static_cast<const float*>(args.in[1]);
    job_.bias = job_.shape.has_bias ? static_cast<const float*>(args.in[2]) : nullptr;
    job_.y = args.out[0];
    job_.pre = job_.shape.has_gelu ? args.out[1] : nullptr;
    job_.scratch = static_cast<std::byte*>(args.scratch);
  }

  void run() override {
    run_team(threads_, [this](const Team& team) { HWY_DYNAMIC_DISPATCH(window_product)(job_, team); });
  }

 private:
  WindowProductJob job_;
  int threads_;
};

}  // namespace

WindowProductShape forward_product(const ConvGeometry& g, DType dtype, bool has_bias) {
  return {.n = g.n,
          .h = g.h,
          .w = g.w,
          .channels = g.ci,
          .oh = g.oh,
          .ow = g.ow,
          .columns = g.co,
          .kh = g.kh,
          .kw = g.kw,
          .stride = g.stride,
          .top = g.padding,
          .left = g.padding,
          .dtype = dtype,
          .has_bias = has_bias};
}

WindowProductShape gradient_product(const ConvGeometry& g, DType dtype) {
  GYRUS_ASSERT(g.stride == 1);
  return {.n = g.n,
          .h = g.oh,
          .w = g.ow,
          .channels = g.co,
          .oh = g.h,
          .ow = g.w,
          .columns = g.ci,
          .kh = g.kh,
          .kw = g.kw,
          .top = g.kh - 1 - g.padding,
          .left = g.kw - 1 - g.padding,
          .dtype = dtype,
          .is_gradient = true};
}

WindowProductShape linear_product(std::int64_t rows, std::int64_t inner, std::int64_t columns, DType dtype) {
  return {.n = rows, .h = 1, .w = 1, .channels = inner, .oh = 1, .ow = 1, .columns = columns, .dtype = dtype};
}

LoweredKernel make_window_product(const WindowProductShape& shape, int threads) {
  LoweredKernel lowered{std::make_unique<WindowProduct>(shape, threads), {}};
  PackRequest pack;
  pack.input = 1;
  pack.format = text("panels ", shape.is_gradient ? "of the gradient, " : "", shape.kh, "x", shape.kw);
  pack.bytes = panel_count(shape) * panel_columns() * shape.inner() * 4;
  pack.make = [shape, threads] { return make_pack_panels(shape, threads); };
  lowered.packs.push_back(std::move(pack));
  return lowered;
}

}  // namespace gyrus::backend::cpu
#endif
