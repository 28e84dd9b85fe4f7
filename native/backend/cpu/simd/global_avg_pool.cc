// global_avg_pool: reads the image once (A bytes an element), one addition; f32 within blocks of pixels and across
// them. global_avg_pool_grad: writes dx (A bytes an element): one pixel of an image is computed, the others are copies.
#include "backend/cpu/simd/global_avg_pool.h"

#include <cstring>

#include "backend/cpu/simd/targets.h"
#include "backend/cpu/simd/team.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/simd/global_avg_pool.cc"
#include <hwy/foreach_target.h>
// foreach_target.h must come first.
#include "backend/cpu/simd/columns-inl.h"

#ifndef GYRUS_SIMD_GLOBAL_AVG_POOL_JOB
#define GYRUS_SIMD_GLOBAL_AVG_POOL_JOB
namespace gyrus::backend::cpu {

// Channels that are summed together: their sums lie on the stack.
inline constexpr std::int64_t kPoolChannels = 512;

struct GlobalAvgPoolJob {
  std::int64_t batch = 0, pixels = 0, channels = 0;
  DType dtype = DType::f32;
  const void* from = nullptr;  // x [N, H W, C] A; of the gradient dy [N, C] A
  void* to = nullptr;          // y [N, C] A; of the gradient dx [N, H W, C] A

  std::int64_t channel_blocks() const { return (channels + kPoolChannels - 1) / kPoolChannels; }
};

}  // namespace gyrus::backend::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace gyrus::backend::cpu {
namespace HWY_NAMESPACE {

// sums[0, count) += the sum of pixels [0, pixels) of x, whose pixels lie `stride` elements apart.
template <class T>
void add_pixels(const T* x, std::int64_t stride, std::int64_t pixels, std::int64_t count, float* sums) {
  for_row_groups<8>({0, pixels}, [=](auto group, std::int64_t pixel) HWY_ATTR {
    for_vectors({0, count}, [=](auto access, std::int64_t c) HWY_ATTR {
      Vec sum = zero();
      for (std::int64_t k = 0; k < group.value; ++k) sum = hn::Add(sum, access.read(x + (pixel + k) * stride + c));
      store(sums + c, hn::Add(load(sums + c), sum));
    });
  });
}

// Blocks of channels of all images in a row: n channel_blocks() + block.
template <class T>
void global_avg_pool_as(const GlobalAvgPoolJob& job, Range blocks) {
  constexpr std::int64_t kPixels = 128;  // summed before their sum joins the total, which keeps rounding errors small
  HWY_ALIGN float sums[kPoolChannels], totals[kPoolChannels];
  const Vec scale = set(1.0F / static_cast<float>(job.pixels));
  for (std::int64_t at = blocks.begin; at < blocks.end; ++at) {
    const std::int64_t n = at / job.channel_blocks(), first = at % job.channel_blocks() * kPoolChannels;
    const std::int64_t count = std::min(kPoolChannels, job.channels - first);
    const T* x = static_cast<const T*>(job.from) + n * job.pixels * job.channels + first;
    T* y = static_cast<T*>(job.to) + n * job.channels + first;
    std::fill(totals, totals + kPoolChannels, 0.0F);
    for (std::int64_t pixel = 0; pixel < job.pixels; pixel += kPixels) {
      std::fill(sums, sums + kPoolChannels, 0.0F);
      add_pixels(x + pixel * job.channels, job.channels, std::min(kPixels, job.pixels - pixel), count, sums);
      for (std::int64_t c = 0; c < count; c += lanes()) store(totals + c, hn::Add(load(totals + c), load(sums + c)));
    }
    for_vectors({0, count}, [=, &totals](auto access, std::int64_t c)
                                HWY_ATTR { access.write(y + c, hn::Mul(load(totals + c), scale)); });
  }
}

void global_avg_pool(const GlobalAvgPoolJob& job, Range blocks) {
  job.dtype == DType::bf16 ? global_avg_pool_as<bf16_t>(job, blocks) : global_avg_pool_as<float>(job, blocks);
}

// Pixels of all images in a row: n H W + pixel.
template <class T>
void global_avg_pool_grad_as(const GlobalAvgPoolJob& job, Range pixels) {
  const std::int64_t channels = job.channels;
  const Vec scale = set(1.0F / static_cast<float>(job.pixels));
  for (std::int64_t at = pixels.begin; at < pixels.end;) {
    const std::int64_t n = at / job.pixels, end = std::min(pixels.end, (n + 1) * job.pixels);
    const T* dy = static_cast<const T*>(job.from) + n * channels;
    T* computed = static_cast<T*>(job.to) + at * channels;
    for_vectors({0, channels}, [=](auto access, std::int64_t c)
                                   HWY_ATTR { access.write(computed + c, hn::Mul(access.read(dy + c), scale)); });
    for (T* copy = computed + channels; ++at < end; copy += channels) {
      std::memcpy(copy, computed, static_cast<std::size_t>(channels) * sizeof(T));
    }
  }
}

void global_avg_pool_grad(const GlobalAvgPoolJob& job, Range pixels) {
  job.dtype == DType::bf16 ? global_avg_pool_grad_as<bf16_t>(job, pixels) : global_avg_pool_grad_as<float>(job, pixels);
}

}  // namespace HWY_NAMESPACE
}  // namespace gyrus::backend::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gyrus::backend::cpu {
namespace {

HWY_EXPORT(global_avg_pool);
HWY_EXPORT(global_avg_pool_grad);

// Both ways: `image` is the type of x or dx.
GlobalAvgPoolJob job_of(const graph::ValueType& image) {
  const Shape& shape = image.shape;
  return {.batch = shape[0], .pixels = shape[1] * shape[2], .channels = shape[3], .dtype = image.dtype};
}

int threads_for(const NodeContext& node, const graph::ValueType& image) {
  return useful_threads(node.threads, image.shape.elements() * size_of(image.dtype));
}

class GlobalAvgPool final : public Kernel {
 public:
  explicit GlobalAvgPool(const NodeContext& node)
      : job_(job_of(node.in_type(0))), threads_(threads_for(node, node.in_type(0))) {}

  void bind(const KernelArgs& args) override {
    job_.from = args.in[0];
    job_.to = args.out[0];
  }

  void run() override {
    run_team(threads_, [this](const Team& team) {
      HWY_DYNAMIC_DISPATCH(global_avg_pool)(job_, team.share(job_.batch * job_.channel_blocks()));
    });
  }

 private:
  GlobalAvgPoolJob job_;
  int threads_;
};

class GlobalAvgPoolGrad final : public Kernel {
 public:
  explicit GlobalAvgPoolGrad(const NodeContext& node)
      : job_(job_of(node.out_type(0))), threads_(threads_for(node, node.out_type(0))) {}

  void bind(const KernelArgs& args) override {
    job_.from = args.in[0];
    job_.to = args.out[0];
  }

  void run() override {
    run_team(threads_, [this](const Team& team) {
      HWY_DYNAMIC_DISPATCH(global_avg_pool_grad)(job_, team.share(job_.batch * job_.pixels));
    });
  }

 private:
  GlobalAvgPoolJob job_;
  int threads_;
};

}  // namespace

std::unique_ptr<Kernel> make_global_avg_pool(const NodeContext& node) { return std::make_unique<GlobalAvgPool>(node); }

std::unique_ptr<Kernel> make_global_avg_pool_grad(const NodeContext& node) {
  return std::make_unique<GlobalAvgPoolGrad>(node);
}

}  // namespace gyrus::backend::cpu
#endif
