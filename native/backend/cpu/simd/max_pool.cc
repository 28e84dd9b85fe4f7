// max_pool: reads the image, writes the maxima and their positions (A bytes an element of x, A + 1 of y); two
// comparisons for each position of each window. max_pool_grad: reads dy and the positions, writes dx (A + 1 bytes an
// element of y, A of x). Each pixel gathers from the windows that contain it, (kernel / stride)^2 of them on average,
// in order, so no two threads write one place.
#include "backend/cpu/simd/max_pool.h"

#include "backend/cpu/simd/targets.h"
#include "backend/cpu/simd/team.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/simd/max_pool.cc"
#include <hwy/foreach_target.h>
// foreach_target.h must come first.
#include "backend/cpu/simd/columns-inl.h"

#ifndef GYRUS_SIMD_MAX_POOL_JOB
#define GYRUS_SIMD_MAX_POOL_JOB
namespace gyrus::backend::cpu {

struct PoolShape {
  std::int64_t batch = 0, channels = 0;
  std::int64_t height = 0, width = 0;          // of x
  std::int64_t out_height = 0, out_width = 0;  // of y
  std::int64_t kernel = 1, stride = 1, padding = 0;

  PoolShape() = default;
  PoolShape(const graph::PoolAttrs& attrs, const Shape& y)
      : batch(y[0]),
        channels(y[3]),
        height(attrs.input_height),
        width(attrs.input_width),
        out_height(y[1]),
        out_width(y[2]),
        kernel(attrs.kernel),
        stride(attrs.stride),
        padding(attrs.padding) {}

  // Pixels of window `o` along an axis of that extent.
  Range pixels(std::int64_t o, std::int64_t extent) const {
    const std::int64_t first = o * stride - padding;
    return {std::max<std::int64_t>(first, 0), std::min(first + kernel, extent)};
  }
  // Windows that contain pixel `i`, along an axis with `count` windows.
  Range windows(std::int64_t i, std::int64_t count) const {
    const std::int64_t past_first = i + padding - kernel;  // window 0 ends before the pixel where this is >= 0
    return {past_first < 0 ? 0 : past_first / stride + 1, std::min((i + padding) / stride + 1, count)};
  }
};

struct MaxPoolJob {
  PoolShape shape;
  DType dtype = DType::f32;
  const void* x = nullptr;        // [N, H, W, C] A
  void* y = nullptr;              // [N, OH, OW, C] A
  std::uint8_t* index = nullptr;  // [N, OH, OW, C]
};

struct MaxPoolGradJob {
  PoolShape shape;
  DType dtype = DType::f32;
  const void* dy = nullptr;             // [N, OH, OW, C] A
  const std::uint8_t* index = nullptr;  // [N, OH, OW, C]
  void* dx = nullptr;                   // [N, H, W, C] A
};

}  // namespace gyrus::backend::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace gyrus::backend::cpu {
namespace HWY_NAMESPACE {

using U32 = hn::RebindToUnsigned<F32>;
using U8 = hn::Rebind<std::uint8_t, F32>;

HWY_INLINE void store_bytes(WholeVector /*access*/, std::uint8_t* p, hn::Vec<U32> v) {
  hn::StoreU(hn::TruncateTo(U8(), v), U8(), p);
}
HWY_INLINE void store_bytes(PartOfVector access, std::uint8_t* p, hn::Vec<U32> v) {
  HWY_ALIGN std::uint8_t buffer[HWY_MAX_BYTES / sizeof(float)];
  store_bytes(WholeVector{}, buffer, v);
  std::memcpy(p, buffer, static_cast<std::size_t>(access.count));
}
HWY_INLINE hn::Vec<U32> load_bytes(WholeVector /*access*/, const std::uint8_t* p) {
  return hn::PromoteTo(U32(), hn::LoadU(U8(), p));
}
HWY_INLINE hn::Vec<U32> load_bytes(PartOfVector access, const std::uint8_t* p) {
  HWY_ALIGN std::uint8_t buffer[HWY_MAX_BYTES / sizeof(float)] = {};
  std::memcpy(buffer, p, static_cast<std::size_t>(access.count));
  return load_bytes(WholeVector{}, buffer);
}

// One window: `x` its first pixel inside the image, [rows, columns] of it inside, `position` that pixel's number.
template <class T>
HWY_INLINE void max_of_window(const PoolShape& shape, const T* x, std::int64_t rows, std::int64_t columns,
                              std::int64_t position, T* y, std::uint8_t* index) {
  const std::int64_t pixel = shape.channels, line = shape.width * shape.channels, kernel = shape.kernel;
  for_vectors({0, shape.channels}, [=](auto access, std::int64_t c) HWY_ATTR {
    Vec best = access.read(x + c);
    auto place = hn::Set(U32(), static_cast<std::uint32_t>(position));
    for (std::int64_t row = 0; row < rows; ++row) {
      for (std::int64_t column = row == 0 ? 1 : 0; column < columns; ++column) {
        const Vec v = access.read(x + row * line + column * pixel + c);
        // Larger or NaN; but nothing follows a NaN.
        const auto wins = hn::AndNot(hn::Le(v, best), hn::Eq(best, best));
        best = hn::IfThenElse(wins, v, best);
        const auto here = hn::Set(U32(), static_cast<std::uint32_t>(position + row * kernel + column));
        place = hn::IfThenElse(hn::RebindMask(U32(), wins), here, place);
      }
    }
    access.write(y + c, best);
    store_bytes(access, index + c, place);
  });
}

// Lines of all images in a row: n OH + oh.
template <class T>
void max_pool_as(const MaxPoolJob& job, Range lines) {
  const PoolShape& shape = job.shape;
  for (std::int64_t at = lines.begin; at < lines.end; ++at) {
    const std::int64_t n = at / shape.out_height, oh = at % shape.out_height;
    const Range rows = shape.pixels(oh, shape.height);
    const std::int64_t first_row = rows.begin - (oh * shape.stride - shape.padding);
    const T* line = static_cast<const T*>(job.x) + (n * shape.height + rows.begin) * shape.width * shape.channels;
    for (std::int64_t ow = 0; ow < shape.out_width; ++ow) {
      const Range columns = shape.pixels(ow, shape.width);
      const std::int64_t first_column = columns.begin - (ow * shape.stride - shape.padding);
      const std::int64_t to = (at * shape.out_width + ow) * shape.channels;
      max_of_window(shape, line + columns.begin * shape.channels, rows.size(), columns.size(),
                    first_row * shape.kernel + first_column, static_cast<T*>(job.y) + to, job.index + to);
    }
  }
}

void max_pool(const MaxPoolJob& job, Range lines) {
  job.dtype == DType::bf16 ? max_pool_as<bf16_t>(job, lines) : max_pool_as<float>(job, lines);
}

// One pixel: the sum of dy over the windows [rows, columns] of the image at dy and index whose maximum it is.
// `position` is the pixel's number in the first of them; one window further down or to the right it is `stride` lines
// or columns less. kRows and kColumns: how many windows there are; 0 where only run time knows.
template <class T, int kRows, int kColumns>
HWY_INLINE void gather_from(const PoolShape& shape, const T* dy, const std::uint8_t* index, Range rows, Range columns,
                            std::int64_t position, T* dx) {
  const std::int64_t channels = shape.channels, line = shape.out_width * channels, right = shape.stride;
  const std::int64_t down = shape.stride * shape.kernel, first = rows.begin * line + columns.begin * channels;
  const std::int64_t row_count = kRows > 0 ? kRows : rows.size();
  const std::int64_t column_count = kColumns > 0 ? kColumns : columns.size();
  for_vectors({0, channels}, [=](auto access, std::int64_t c) HWY_ATTR {
    Vec sum = zero();
    for (std::int64_t row = 0; row < row_count; ++row) {
      for (std::int64_t column = 0; column < column_count; ++column) {
        const std::int64_t from = first + row * line + column * channels + c;
        const auto place = hn::Set(U32(), static_cast<std::uint32_t>(position - row * down - column * right));
        const auto is_here = hn::RebindMask(F32(), hn::Eq(load_bytes(access, index + from), place));
        sum = hn::Add(sum, hn::IfThenElseZero(is_here, access.read(dy + from)));
      }
    }
    access.write(dx + c, sum);
  });
}

// Windows of at most two strides, the usual ones, are gathered by loops of fixed length.
template <class T>
HWY_INLINE void gather_pixel(const PoolShape& shape, const T* dy, const std::uint8_t* index, Range rows, Range columns,
                             std::int64_t position, T* dx) {
  const auto gather = [=, &shape](auto row_count, auto column_count) HWY_ATTR {
    gather_from<T, decltype(row_count)::value, decltype(column_count)::value>(shape, dy, index, rows, columns, position,
                                                                              dx);
  };
  if (rows.size() == 1 && columns.size() == 1) return gather(Rows<1>{}, Rows<1>{});
  if (rows.size() == 1 && columns.size() == 2) return gather(Rows<1>{}, Rows<2>{});
  if (rows.size() == 2 && columns.size() == 1) return gather(Rows<2>{}, Rows<1>{});
  if (rows.size() == 2 && columns.size() == 2) return gather(Rows<2>{}, Rows<2>{});
  gather(Rows<0>{}, Rows<0>{});
}

// Lines of all images in a row: n H + h.
template <class T>
void max_pool_grad_as(const MaxPoolGradJob& job, Range lines) {
  const PoolShape& shape = job.shape;
  const std::int64_t out_image = shape.out_height * shape.out_width * shape.channels;
  for (std::int64_t at = lines.begin; at < lines.end; ++at) {
    const std::int64_t n = at / shape.height, h = at % shape.height;
    const T* dy = static_cast<const T*>(job.dy) + n * out_image;
    const std::uint8_t* index = job.index + n * out_image;
    const Range rows = shape.windows(h, shape.out_height);
    const std::int64_t line = h - (rows.begin * shape.stride - shape.padding);
    for (std::int64_t w = 0; w < shape.width; ++w) {
      const Range columns = shape.windows(w, shape.out_width);
      const std::int64_t column = w - (columns.begin * shape.stride - shape.padding);
      gather_pixel(shape, dy, index, rows, columns, line * shape.kernel + column,
                   static_cast<T*>(job.dx) + (at * shape.width + w) * shape.channels);
    }
  }
}

void max_pool_grad(const MaxPoolGradJob& job, Range lines) {
  job.dtype == DType::bf16 ? max_pool_grad_as<bf16_t>(job, lines) : max_pool_grad_as<float>(job, lines);
}

}  // namespace HWY_NAMESPACE
}  // namespace gyrus::backend::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gyrus::backend::cpu {
namespace {

HWY_EXPORT(max_pool);
HWY_EXPORT(max_pool_grad);

class MaxPool final : public Kernel {
 public:
  explicit MaxPool(const NodeContext& node) {
    const graph::ValueType& x = node.in_type(0);
    job_.shape = PoolShape(node.attrs<graph::PoolAttrs>(), node.out_shape(0));
    job_.dtype = x.dtype;
    threads_ = useful_threads(node.threads, x.shape.elements() * size_of(x.dtype));
  }

  void bind(const KernelArgs& args) override {
    job_.x = args.in[0];
    job_.y = args.out[0];
    job_.index = static_cast<std::uint8_t*>(args.out[1]);
  }

  void run() override {
    run_team(threads_, [this](const Team& team) {
      HWY_DYNAMIC_DISPATCH(max_pool)(job_, team.share(job_.shape.batch * job_.shape.out_height));
    });
  }

 private:
  MaxPoolJob job_;
  int threads_ = 1;
};

class MaxPoolGrad final : public Kernel {
 public:
  explicit MaxPoolGrad(const NodeContext& node) {
    const graph::ValueType& dx = node.out_type(0);
    job_.shape = PoolShape(node.attrs<graph::PoolAttrs>(), node.in_shape(0));
    job_.dtype = dx.dtype;
    threads_ = useful_threads(node.threads, dx.shape.elements() * size_of(dx.dtype));
  }

  void bind(const KernelArgs& args) override {
    job_.dy = args.in[0];
    job_.index = static_cast<const std::uint8_t*>(args.in[1]);
    job_.dx = args.out[0];
  }

  void run() override {
    run_team(threads_, [this](const Team& team) {
      HWY_DYNAMIC_DISPATCH(max_pool_grad)(job_, team.share(job_.shape.batch * job_.shape.height));
    });
  }

 private:
  MaxPoolGradJob job_;
  int threads_ = 1;
};

}  // namespace

std::unique_ptr<Kernel> make_max_pool(const NodeContext& node) { return std::make_unique<MaxPool>(node); }

std::unique_ptr<Kernel> make_max_pool_grad(const NodeContext& node) { return std::make_unique<MaxPoolGrad>(node); }

}  // namespace gyrus::backend::cpu
#endif
