// Multiply-adds in registers, and copies.
#include "simd_rates.h"

#include <array>

#include "backend/cpu/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd_rates.cc"
#include <hwy/foreach_target.h>
// foreach_target.h must come first.
#include <hwy/cache_control.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace gyrus::bench {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Two units with a latency of four or five cycles need ten sums under way; AVX2 has sixteen registers.
constexpr std::size_t kSums = 12;

double multiply_add(std::int64_t rounds, volatile float* sink) {
  const hn::ScalableTag<float> d;
  // x <- x / 2 + 1 / 2 goes to 1: neither infinities nor subnormals, which some CPUs are slow with.
  const auto half = hn::Set(d, 0.5F);
  std::array<hn::Vec<decltype(d)>, kSums> sums;
  for (std::size_t at = 0; at < kSums; ++at) sums[at] = hn::Set(d, static_cast<float>(at));
  for (std::int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 12
    for (std::size_t at = 0; at < kSums; ++at) sums[at] = hn::MulAdd(sums[at], half, half);
  }
  auto total = sums[0];
  for (std::size_t at = 1; at < kSums; ++at) total = hn::Add(total, sums[at]);
  *sink = hn::GetLane(total);
  return 2.0 * static_cast<double>(rounds) * static_cast<double>(kSums * hn::Lanes(d));
}

template <bool kIsStreamed>
void copy_as(const float* from, float* to, std::int64_t count) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  for (std::int64_t at = 0; at < count; at += 4 * lanes) {
    for (std::int64_t part = at; part < at + 4 * lanes; part += lanes) {
      const auto values = hn::Load(d, from + part);
      if constexpr (kIsStreamed) {
        hn::Stream(values, d, to + part);
      } else {
        hn::Store(values, d, to + part);
      }
    }
  }
  if constexpr (kIsStreamed) hwy::FlushStream();
}

void copy(const float* from, float* to, std::int64_t count, bool is_streamed) {
  is_streamed ? copy_as<true>(from, to, count) : copy_as<false>(from, to, count);
}

}  // namespace HWY_NAMESPACE
}  // namespace gyrus::bench
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gyrus::bench {

HWY_EXPORT(multiply_add);
HWY_EXPORT(copy);

double multiply_add_f32(std::int64_t rounds, volatile float* sink) {
  return HWY_DYNAMIC_DISPATCH(multiply_add)(rounds, sink);
}

void copy_f32(const float* from, float* to, std::int64_t count, bool is_streamed) {
  HWY_DYNAMIC_DISPATCH(copy)(from, to, count, is_streamed);
}

}  // namespace gyrus::bench
#endif
