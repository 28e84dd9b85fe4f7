// Packing for the gradient of a weight: a chunk's positions of dy and x, widened to f32 or paired, in the order in
// which the products read them. Included once per target, after foreach_target.h.
#if defined(GYRUS_SIMD_GRAD_WEIGHT_PACK_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GYRUS_SIMD_GRAD_WEIGHT_PACK_INL_H
#undef GYRUS_SIMD_GRAD_WEIGHT_PACK_INL_H
#else
#define GYRUS_SIMD_GRAD_WEIGHT_PACK_INL_H
#endif

#include "backend/cpu/simd/bf16_pair-inl.h"
#include "backend/cpu/simd/columns-inl.h"
#include "backend/cpu/simd/grad_weight_job.h"
#include "backend/cpu/simd/grad_weight_tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gyrus::backend::cpu {
namespace HWY_NAMESPACE {

// Reads an operand as the products want it, 32 bits a number or pair: an array of T that ends at `end`. Lanes beyond
// the channels that the caller wants may hold their neighbours.
template <class Number>
struct Reader {
  using T = Number;
  static constexpr bool kInPairs = false;
  const T* end;
  std::int64_t partner;  // not looked at

  HWY_INLINE bool has_whole(const T* p, std::int64_t count) const { return p + count <= end; }
  HWY_INLINE Vec read(const T* p) const { return load(p); }
  HWY_INLINE Vec read_within(const T* p) const { return p + lanes() <= end ? load(p) : load_some(p, end - p); }
  HWY_INLINE Vec read_some(const T* p, std::int64_t count) const { return load_some(p, count); }
};

struct Bf16Pair {};

// The second number, in the upper half, lies `partner` elements behind the first one. It is zero where the array ends
// before it: images that are an odd number, or rows.
template <>
struct Reader<Bf16Pair> {
  using T = bf16_t;
  static constexpr bool kInPairs = true;
  const T* end;
  std::int64_t partner;

  HWY_INLINE bool has_whole(const T* p, std::int64_t count) const { return p + partner + count <= end; }
  HWY_INLINE Vec read(const T* p) const { return pair(load(p), load(p + partner)); }
  HWY_INLINE Vec read_within(const T* p) const {
    return has_whole(p, lanes()) ? read(p) : read_some(p, std::min(lanes(), static_cast<std::int64_t>(end - p)));
  }
  HWY_INLINE Vec read_some(const T* p, std::int64_t count) const {
    const std::int64_t left = end - p - partner;
    return pair(load_some(p, count), left > 0 ? load_some(p + partner, std::min(count, left)) : zero());
  }
};

// dy -> [panel][position][panel's channels]. Lanes beyond the last channel hold numbers that nobody reads.
template <class Number>
void pack_dy(const GradWeightJob& job, const GradWeightChunk& chunk, const Range& outputs, float* to) {
  using T = typename Reader<Number>::T;
  const ConvGeometry& g = job.plan.g;
  const T* dy = static_cast<const T*>(job.dy);
  const Reader<Number> reader{dy + job.dy_size, job.dy_partner};
  const std::int64_t step = lanes(), positions = chunk.rows.size() * chunk.columns.size();
  std::int64_t position = 0;
  for (std::int64_t row = chunk.rows.begin; row < chunk.rows.end; ++row) {
    for (std::int64_t column = chunk.columns.begin; column < chunk.columns.end; ++column, ++position) {
      const T* from = dy + (row * g.ow + column) * g.co;
      for (std::int64_t o = outputs.begin; o < outputs.end;) {
        const std::int64_t width = panel_columns(outputs.end - o);
        float* panel = to + (o - outputs.begin) * positions + position * width;
        for (std::int64_t v = 0; v < width; v += step) store(panel + v, reader.read_within(from + o + v));
        o += width;
      }
    }
  }
}

// Packs pixels of one row of an image, `count` of them from column `begin` on; zero where there is none.
template <class Number>
class PixelPacker {
 public:
  using T = typename Reader<Number>::T;
  PixelPacker(const GradWeightJob& job, const Range& groups, float* to)
      : plan_(job.plan),
        groups_(groups),
        x_(static_cast<const T*>(job.x)),
        reader_{x_ + job.x_size, job.x_partner},
        to_(to) {}
  // Positions packed so far.
  std::int64_t position() const { return position_; }

  HWY_INLINE void add(std::int64_t image, std::int64_t row, std::int64_t begin, std::int64_t count) {
    const ConvGeometry& g = plan_.g;
    const bool is_inside = row >= 0 && row < g.h;
    const std::int64_t left = is_inside ? std::clamp<std::int64_t>(-begin, 0, count) : count;
    const std::int64_t right = is_inside ? std::clamp<std::int64_t>(g.w - begin, left, count) : count;
    clear(left);
    if (right > left) copy(x_ + ((image * g.h + row) * g.w + begin + left) * g.ci, right - left);
    clear(count - right);
  }

 private:
  HWY_INLINE void clear(std::int64_t count) {
    if (count == 0) return;
    for (std::int64_t i = 0; i < groups_.size(); ++i)
      std::fill_n(to_ + i * plan_.x_group_floats + position_ * plan_.pixel, count * plan_.pixel, 0.0F);
    position_ += count;
  }
  HWY_INLINE void copy(const T* from, std::int64_t count) {
    float* to = to_ + position_ * plan_.pixel;
    position_ += count;
    const std::int64_t step = lanes();
    if (plan_.has_columns_as_channels) {
      const std::int64_t size = count * plan_.pixel;
      std::int64_t i = 0;
      for (; i + step <= size; i += step) store(to + i, reader_.read_within(from + i));
      if (i < size) store_some(to + i, reader_.read_some(from + i, size - i), size - i);
      return;
    }
    from += groups_.begin * plan_.group;
    for (std::int64_t p = 0; p < count; ++p, from += plan_.g.ci, to += plan_.pixel) {
      for (std::int64_t i = 0; i < groups_.size(); ++i) {
        const T* channels = from + i * plan_.group;
        float* group = to + i * plan_.x_group_floats;
        if (reader_.has_whole(channels, plan_.group)) {
          for (std::int64_t v = 0; v < plan_.group; v += step) store(group + v, reader_.read(channels + v));
        } else {
          for (std::int64_t v = 0; v < plan_.group && channels + v < reader_.end; v += step)
            store(group + v, reader_.read_within(channels + v));
        }
      }
    }
  }

  const GradWeightPlan& plan_;
  Range groups_;
  const T* x_;
  Reader<Number> reader_;
  float* to_;
  std::int64_t position_ = 0;
};

// x -> [group][position of padded rows][channel]; `segments` gets where each row of dy begins in it, for the first tap,
// in floats. Returns how many segments there are; `length` gets how many positions each has.
template <class Number>
std::int64_t pack_x(const GradWeightJob& job, const GradWeightChunk& chunk, const Range& groups, float* to,
                    std::int64_t* segments, std::int64_t* length) {
  const GradWeightPlan& plan = job.plan;
  const ConvGeometry& g = plan.g;
  const std::int64_t columns = chunk.columns.size(), pitch = plan.pitch(columns);
  const std::int64_t first_column = chunk.columns.begin * g.stride - g.padding;
  PixelPacker<Number> packer(job, groups, to);
  std::int64_t count = 0;
  for (std::int64_t row = chunk.rows.begin; row < chunk.rows.end; ++row) {
    const std::int64_t image = row / g.oh, oh = row % g.oh;
    const bool is_new_image = row == chunk.rows.begin || oh == 0;
    // Rows that the row before has packed already.
    const std::int64_t known = is_new_image ? 0 : g.kh - plan.row_step;
    segments[count++] = (packer.position() - known * pitch) * plan.pixel;
    for (std::int64_t kh = known; kh < g.kh; ++kh) {
      const std::int64_t ih = oh * g.stride + kh - g.padding;
      if (plan.column_step == g.stride) {
        packer.add(image, ih, first_column, pitch);
      } else {  // columns between the windows are left out
        for (std::int64_t c = 0; c < columns; ++c) packer.add(image, ih, first_column + c * g.stride, g.kw);
      }
    }
  }
  *length = columns;
  if (g.kh == 1 && pitch == columns * plan.column_step) {  // every row begins where the last one ended
    *length *= count;
    return 1;
  }
  return count;
}

}  // namespace HWY_NAMESPACE
}  // namespace gyrus::backend::cpu
HWY_AFTER_NAMESPACE();

#endif
