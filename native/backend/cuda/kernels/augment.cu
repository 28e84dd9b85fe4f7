// augment, in five launches for every 64 views, whose arrays stay in the L2 cache. For a view of 224 pixels from slices
// of 256:
//   rows     the crop's columns, resized downwards: reads the slice (2 bytes an element of the crop) through L1, writes
//   4 columns  resized across, then bias field, gamma and noise: reads and writes 4 bytes an element mean     of each
//   view, for its contrast: reads 4 across   brightness and contrast, blurred along the rows: up to 13 taps from L1;
//   reads and writes 4 down     blurred along the columns, solarised, normalised, mirrored: reads 4, writes A bytes of
//   the network's precision a channel
// The filters' weights are computed where they are used, in f64 as on the CPU. What differs from the CPU's views is the
// rounding of sums and of exp and log.
#include "backend/cuda/kernels/augment.h"

#include <cmath>

#include "backend/cuda/kernels/device.h"
#include "backend/cuda/kernels/rows.h"
#include "core/philox.h"
#include "math/resize_taps.h"
#include "math/view_pixels.h"

namespace gyrus::backend::cuda {
namespace {

using math::ViewPlan;

constexpr std::int64_t kViewsAtOnce = 64;
constexpr int kPixelThreads = 256;

// What all kernels see: views [first, first + count) and their arrays.
struct Portion {
  AugmentArgs args;
  std::int64_t first;
  float *mixed, *image, *other;  // [views, size, source_size], [views, size, size] twice
  float* means;                  // [views]

  GYRUS_DEVICE const ViewPlan& plan(const Thread& thread) const { return args.plans[first + thread.block_y()]; }
  GYRUS_DEVICE std::int64_t slice(const Thread& thread) const {
    const std::int64_t view = first + thread.block_y();
    return args.slice_of == nullptr ? view : args.slice_of[view];
  }
  GYRUS_DEVICE std::int64_t pixels() const { return args.size * args.size; }
};

// A sum over one pixel's taps of value(tap), weighted.
template <class Value>
GYRUS_DEVICE float resized(const math::TriangleTaps& taps, std::int64_t i, const Value& value) {
  double all = 0;
  for (std::int64_t k = 0; k < taps.count; ++k) all += taps.weight(i, k);
  const std::int64_t first = taps.first(i);
  float sum = 0;
  for (std::int64_t k = 0; k < taps.count; ++k) {
    sum = Scalar::mul_add(static_cast<float>(taps.weight(i, k) / all), value(first + k), sum);
  }
  return sum;
}

struct ResizeRows {
  static constexpr const char* kName = "augment, rows";
  static constexpr int kThreads = kPixelThreads;
  static constexpr bool kIsCooperative = false;
  Portion p;

  GYRUS_DEVICE void operator()(const Thread& thread) const {
    const ViewPlan& plan = p.plan(thread);
    const std::int64_t at = thread.block() * kThreads + thread.index(), width = plan.width;
    const std::int64_t y = at / width, x = at % width, side = p.args.source_size;
    if (y >= p.args.size) return;
    const std::uint16_t* corner = p.args.slices + (p.slice(thread) * side + plan.top) * side + plan.left + x;
    const math::TriangleTaps taps(plan.height, p.args.size);
    const float sum = resized(taps, y, [&](std::int64_t row) { return static_cast<float>(corner[row * side]); });
    p.mixed[(thread.block_y() * p.args.size + y) * side + x] = sum * (1.0F / 65535.0F);
  }
};

struct ResizeColumns {
  static constexpr const char* kName = "augment, columns";
  static constexpr int kThreads = kPixelThreads;
  static constexpr bool kIsCooperative = false;
  Portion p;

  GYRUS_DEVICE void operator()(const Thread& thread) const {
    const ViewPlan& plan = p.plan(thread);
    const std::int64_t at = thread.block() * kThreads + thread.index(), size = p.args.size;
    if (at >= size * size) return;
    const std::int64_t y = at / size, x = at % size;
    const float* row = p.mixed + (thread.block_y() * size + y) * p.args.source_size;
    float v = resized(math::TriangleTaps(plan.width, size), x, [&](std::int64_t column) { return row[column]; });
    if (plan.has_bias) v = biased(plan, v, static_cast<float>(x), static_cast<float>(y));
    if (plan.has_gamma) v = math::raised<Scalar>(v, plan.gamma);
    if (plan.has_noise) v = noisy(plan, v, x * size + y);
    p.image[thread.block_y() * size * size + at] = v;
  }

  GYRUS_DEVICE float biased(const ViewPlan& plan, float v, float x, float y) const {
    const float count = static_cast<float>(p.args.size), t = (2 * x + 1) / count - 1;
    const float u = Scalar::mul_add(y, 2 / count, 1 / count - 1);
    const float* const c = plan.bias;
    return math::times_exp<Scalar>(v, u, (c[0] + c[1] * t) * t, c[2] + c[3] * t, c[4]);
  }
  GYRUS_DEVICE static float noisy(const ViewPlan& plan, float v, std::int64_t at) {
    const Philox philox{plan.noise_seed, plan.noise_stream};
    const auto words = philox.block(plan.noise_block + static_cast<std::uint64_t>(at));
    const NormalPair pair = box_muller(words[0], words[1]);
    const float real = v + plan.noise_std * pair.first, imaginary = plan.noise_std * pair.second;
    return Scalar::min(1.0F, Scalar::sqrt(real * real + imaginary * imaginary));
  }
};

GYRUS_DEVICE float brightened(const ViewPlan& plan, float v) {
  return math::scaled_clamped<Scalar>(v, plan.brightness, 0);
}

// A block a view.
struct ViewMean {
  static constexpr const char* kName = "augment, mean";
  static constexpr int kThreads = kPixelThreads;
  static constexpr bool kIsCooperative = true;
  Portion p;

  GYRUS_DEVICE void operator()(const Thread& thread) const {
    const ViewPlan& plan = p.plan(thread);
    if (!plan.has_jitter) return;
    const std::int64_t pixels = p.pixels();
    const float* image = p.image + thread.block_y() * pixels;
    float sum = 0;
    for (std::int64_t i = thread.index(); i < pixels; i += kThreads) {
      sum += plan.is_brightness_first ? brightened(plan, image[i]) : image[i];
    }
    const double total = block_sum(thread, sum);
    if (thread.index() == 0) p.means[thread.block_y()] = static_cast<float>(total / static_cast<double>(pixels));
  }
};

// The weights of a Gaussian, once a block; those beyond the table are computed anew.
constexpr int kTable = 128;
struct Gaussian {
  float sigma;
  int radius;
  double sum;

  GYRUS_DEVICE double weight(int k) const { return math::gaussian_weight(k, sigma) / sum; }
};
GYRUS_DEVICE Gaussian make_gaussian(float sigma) {
  Gaussian gaussian{sigma, math::gaussian_radius(sigma), 0};
  for (int k = -gaussian.radius; k <= gaussian.radius; ++k) gaussian.sum += math::gaussian_weight(k, sigma);
  return gaussian;
}

// All threads of a block come here; `table` and `shared` are arrays that they share, of kTable numbers and of one. The
// weights at distances 0, 1, … are left in the table.
template <class Table, class Shared>
GYRUS_DEVICE Gaussian fill_table(const Thread& thread, float sigma, Table&& table, Shared&& shared) {
  if (thread.index() == 0) shared[0] = sigma > 0 ? make_gaussian(sigma) : Gaussian{0, 0, 1};
  thread.sync();
  const Gaussian gaussian = shared[0];
  if (thread.index() < kTable && sigma > 0) {
    table[thread.index()] = static_cast<float>(gaussian.weight(thread.index()));
  }
  thread.sync();
  return gaussian;
}

// A blurred pixel: value(offset) over the Gaussian's offsets.
template <class Table, class Value>
GYRUS_DEVICE float blurred(const Gaussian& gaussian, const Table& table, const Value& value) {
  float sum = 0;
  for (int k = -gaussian.radius; k <= gaussian.radius; ++k) {
    const int distance = k < 0 ? -k : k;
    const float weight =
        distance < kTable ? static_cast<float>(table[distance]) : static_cast<float>(gaussian.weight(distance));
    sum = Scalar::mul_add(weight, value(k), sum);
  }
  return sum;
}

GYRUS_DEVICE std::int64_t clamped(std::int64_t at, std::int64_t size) { return at < 0 ? 0 : at < size ? at : size - 1; }

struct BlurAcross {
  static constexpr const char* kName = "augment, across";
  static constexpr int kThreads = kPixelThreads;
  static constexpr bool kIsCooperative = true;
  Portion p;

  GYRUS_DEVICE float jittered(const ViewPlan& plan, float v, float mean) const {
    if (!plan.has_jitter) return v;
    if (plan.is_brightness_first) v = brightened(plan, v);
    v = math::scaled_clamped<Scalar>(v, plan.contrast, (1 - plan.contrast) * mean);
    return plan.is_brightness_first ? v : brightened(plan, v);
  }

  GYRUS_DEVICE void operator()(const Thread& thread) const {
    GYRUS_SHARED(float, table, kTable);
    GYRUS_SHARED(Gaussian, shared, 1);
    const ViewPlan& plan = p.plan(thread);
    const Gaussian gaussian = fill_table(thread, plan.blur_sigma, table, shared);
    const bool is_blurred = plan.blur_sigma > 0;
    const std::int64_t at = thread.block() * kThreads + thread.index(), size = p.args.size, pixels = p.pixels();
    if (at >= pixels) return;
    const float mean = plan.has_jitter ? p.means[thread.block_y()] : 0;
    const std::int64_t x = at % size;
    const float* row = p.image + thread.block_y() * pixels + (at - x);
    float* to = p.other + thread.block_y() * pixels + at;
    if (!is_blurred) {
      *to = jittered(plan, row[x], mean);
      return;
    }
    *to = blurred(gaussian, table, [&](int k) { return jittered(plan, row[clamped(x + k, size)], mean); });
  }
};

template <class T>
struct BlurDown {
  static constexpr const char* kName = "augment, down";
  static constexpr int kThreads = kPixelThreads;
  static constexpr bool kIsCooperative = true;
  Portion p;

  GYRUS_DEVICE void operator()(const Thread& thread) const {
    GYRUS_SHARED(float, table, kTable);
    GYRUS_SHARED(Gaussian, shared, 1);
    const ViewPlan& plan = p.plan(thread);
    const Gaussian gaussian = fill_table(thread, plan.blur_sigma, table, shared);
    const bool is_blurred = plan.blur_sigma > 0;
    const std::int64_t at = thread.block() * kThreads + thread.index(), size = p.args.size, pixels = p.pixels();
    if (at >= pixels) return;
    const std::int64_t y = at / size, x = at % size;
    const float* column = p.other + thread.block_y() * pixels + x;
    float v = column[y * size];
    if (is_blurred) v = blurred(gaussian, table, [&](int k) { return column[clamped(y + k, size) * size]; });
    v = math::finished<Scalar>(v, plan.is_solarized, 1 / p.args.std, -p.args.mean / p.args.std);
    const std::int64_t to = y * size + (plan.is_flipped ? size - 1 - x : x);
    T* const pixel = static_cast<T*>(p.args.out) + ((p.first + thread.block_y()) * pixels + to) * p.args.channels;
    for (std::int64_t channel = 0; channel < p.args.channels; ++channel) set_rounded(pixel[channel], v);
  }
};

}  // namespace

std::int64_t augment_scratch_bytes(const AugmentArgs& args) {
  const std::int64_t views = args.views < kViewsAtOnce ? args.views : kViewsAtOnce;
  return views * (args.size * (args.source_size + 2 * args.size) + 1) * static_cast<std::int64_t>(sizeof(float));
}

void augment_forward(Stream stream, const AugmentArgs& args) {
  const std::int64_t most = args.views < kViewsAtOnce ? args.views : kViewsAtOnce, pixels = args.size * args.size;
  auto* mixed = static_cast<float*>(args.scratch);
  float* image = mixed + most * args.size * args.source_size;
  float* other = image + most * pixels;
  for (std::int64_t first = 0; first < args.views; first += kViewsAtOnce) {
    const std::int64_t views = args.views - first < kViewsAtOnce ? args.views - first : kViewsAtOnce;
    const Portion portion{args, first, mixed, image, other, other + most * pixels};
    const std::int64_t blocks = divide_up(pixels, kPixelThreads);
    launch(stream, {divide_up(args.size * args.source_size, kPixelThreads), views}, ResizeRows{portion});
    launch(stream, {blocks, views}, ResizeColumns{portion});
    launch(stream, {1, views}, ViewMean{portion});
    launch(stream, {blocks, views}, BlurAcross{portion});
    for_dtype(args.dtype, [&]<class T>(T) { launch(stream, {blocks, views}, BlurDown<T>{portion}); });
  }
}

}  // namespace gyrus::backend::cuda
