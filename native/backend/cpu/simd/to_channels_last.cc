// [N, C, H, W] f32 -> [N, H, W, C] f32 or bf16: 4 bytes read and A written an element. One channel is a plain copy, two
// to four are interleaved in registers, more are gathered a pixel at a time.
#include "backend/cpu/simd/to_channels_last.h"

#include <cstdint>

#include "backend/cpu/simd/targets.h"
#include "backend/cpu/simd/team.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/simd/to_channels_last.cc"
#include <hwy/foreach_target.h>
// foreach_target.h must come first.
#include "backend/cpu/simd/columns-inl.h"

#ifndef GYRUS_SIMD_TO_CHANNELS_LAST_JOB
#define GYRUS_SIMD_TO_CHANNELS_LAST_JOB
namespace gyrus::backend::cpu {

struct ToChannelsLastJob {
  std::int64_t images = 0, channels = 0, pixels = 0;
  DType dtype = DType::f32;
  const float* x = nullptr;  // [N, C, HW]
  void* y = nullptr;         // [N, HW, C]
};

}  // namespace gyrus::backend::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace gyrus::backend::cpu {
namespace HWY_NAMESPACE {

// One image, its pixels [begin, end) from C = 2, 3 or 4 planes: vectors are interleaved in a buffer that stays in L1.
template <class T, int kChannels>
void interleave(const float* x, std::int64_t pixels, Range range, T* y) {
  HWY_ALIGN float buffer[kChannels * HWY_MAX_BYTES / sizeof(float)];
  const F32 d;
  const std::int64_t step = lanes();
  std::int64_t i = range.begin;
  for (; i + step <= range.end; i += step) {
    if constexpr (kChannels == 2) hn::StoreInterleaved2(load(x + i), load(x + pixels + i), d, buffer);
    if constexpr (kChannels == 3) {
      hn::StoreInterleaved3(load(x + i), load(x + pixels + i), load(x + 2 * pixels + i), d, buffer);
    }
    if constexpr (kChannels == 4) {
      hn::StoreInterleaved4(load(x + i), load(x + pixels + i), load(x + 2 * pixels + i), load(x + 3 * pixels + i), d,
                            buffer);
    }
    for (std::int64_t k = 0; k < kChannels; ++k) store(y + i * kChannels + k * step, load(buffer + k * step));
  }
  for (; i < range.end; ++i) {
    for (std::int64_t c = 0; c < kChannels; ++c) store_some(y + i * kChannels + c, set(x[c * pixels + i]), 1);
  }
}

template <class T>
void gather(const float* x, std::int64_t channels, std::int64_t pixels, Range range, T* y) {
  const hn::RebindToSigned<F32> d32;
  for (std::int64_t i = range.begin; i < range.end; ++i) {
    for_vectors({0, channels}, [=](auto access, std::int64_t c) HWY_ATTR {
      const auto plane = hn::Mul(
          hn::Min(hn::Iota(d32, static_cast<std::int32_t>(c)), hn::Set(d32, static_cast<std::int32_t>(channels - 1))),
          hn::Set(d32, static_cast<std::int32_t>(pixels)));
      access.write(y + i * channels + c, hn::GatherIndex(F32(), x + i, plane));
    });
  }
}

template <class T>
void to_channels_last_as(const ToChannelsLastJob& job, Range all) {
  std::int64_t begin = all.begin;
  while (begin < all.end) {  // image by image
    const std::int64_t image = begin / job.pixels;
    const Range pixels{begin % job.pixels, std::min(all.end - image * job.pixels, job.pixels)};
    const float* x = job.x + image * job.pixels * job.channels;
    T* y = static_cast<T*>(job.y) + image * job.pixels * job.channels;
    switch (job.channels) {
      case 1:
        for_flat(pixels, [=](auto access, std::int64_t i) HWY_ATTR { access.write(y + i, access.read(x + i)); });
        break;
      case 2:
        interleave<T, 2>(x, job.pixels, pixels, y);
        break;
      case 3:
        interleave<T, 3>(x, job.pixels, pixels, y);
        break;
      case 4:
        interleave<T, 4>(x, job.pixels, pixels, y);
        break;
      default:
        gather<T>(x, job.channels, job.pixels, pixels, y);
    }
    begin = image * job.pixels + pixels.end;
  }
}

void to_channels_last(const ToChannelsLastJob& job, Range pixels) {
  job.dtype == DType::bf16 ? to_channels_last_as<bf16_t>(job, pixels) : to_channels_last_as<float>(job, pixels);
}

}  // namespace HWY_NAMESPACE
}  // namespace gyrus::backend::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gyrus::backend::cpu {
namespace {

HWY_EXPORT(to_channels_last);

class ToChannelsLast final : public Kernel {
 public:
  explicit ToChannelsLast(const NodeContext& node) {
    const Shape& x = node.in_shape(0);
    job_.images = x[0];
    job_.channels = x[1];
    job_.pixels = x[2] * x[3];
    job_.dtype = node.out_type(0).dtype;
    threads_ = useful_threads(node.threads, x.elements() * 4);
    GYRUS_CHECK(job_.channels * job_.pixels < std::int64_t{1} << 31, Code::shape, node.node.name, ": an image of ", x,
                " has 2^31 elements or more; use smaller images");
  }

  void bind(const KernelArgs& args) override {
    job_.x = static_cast<const float*>(args.in[0]);
    job_.y = args.out[0];
  }

  void run() override {
    run_team(threads_, [this](const Team& team) {
      HWY_DYNAMIC_DISPATCH(to_channels_last)(job_, team.share(job_.images * job_.pixels, 64));
    });
  }

 private:
  ToChannelsLastJob job_;
  int threads_ = 1;
};

}  // namespace

std::unique_ptr<Kernel> make_to_channels_last(const NodeContext& node) {
  return std::make_unique<ToChannelsLast>(node);
}

}  // namespace gyrus::backend::cpu
#endif
