// Sums are taken in f64: 4 bytes and 2 operations a feature for the means, as many for the variances, 8 bytes and 2
// operations where they are applied. Memory bounds all three.
#include "features/standard.h"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "core/error.h"
#include "features/team.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "features/standard.cc"
#define HWY_DISABLED_TARGETS HWY_SSSE3
#include <hwy/foreach_target.h>
// foreach_target.h must come first.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace gyrus::features {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// sum += row - mean, or its square.
template <bool kIsSquared>
void add_row(const float* row, const double* mean, std::size_t dim, double* sum) {
  const hn::ScalableTag<double> d;
  const hn::Rebind<float, decltype(d)> d32;
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= dim; i += hn::Lanes(d)) {
    const auto off = hn::Sub(hn::PromoteTo(d, hn::LoadU(d32, row + i)), hn::LoadU(d, mean + i));
    const auto before = hn::LoadU(d, sum + i);
    hn::StoreU(kIsSquared ? hn::MulAdd(off, off, before) : hn::Add(off, before), d, sum + i);
  }
  for (; i < dim; ++i) {
    const double off = static_cast<double>(row[i]) - mean[i];
    sum[i] += kIsSquared ? off * off : off;
  }
}

void add_offsets(const float* row, const double* mean, std::size_t dim, bool are_squared, double* sum) {
  are_squared ? add_row<true>(row, mean, dim, sum) : add_row<false>(row, mean, dim, sum);
}

// False when a result is not finite.
bool apply_row(const float* row, const double* mean, const double* scale, std::size_t dim, float* to) {
  const hn::ScalableTag<double> d;
  const hn::Rebind<float, decltype(d)> d32;
  auto are_finite = hn::Eq(hn::Zero(d), hn::Zero(d));
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= dim; i += hn::Lanes(d)) {
    const auto off = hn::Sub(hn::PromoteTo(d, hn::LoadU(d32, row + i)), hn::LoadU(d, mean + i));
    const auto value = hn::DemoteTo(d32, hn::Mul(off, hn::LoadU(d, scale + i)));
    are_finite = hn::And(are_finite, hn::IsFinite(hn::PromoteTo(d, value)));
    hn::StoreU(value, d32, to + i);
  }
  bool is_finite = hn::AllTrue(d, are_finite);
  for (; i < dim; ++i) {
    to[i] = static_cast<float>((static_cast<double>(row[i]) - mean[i]) * scale[i]);
    is_finite = is_finite && std::isfinite(to[i]);
  }
  return is_finite;
}

}  // namespace HWY_NAMESPACE
}  // namespace gyrus::features
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gyrus::features {
namespace {

HWY_EXPORT(add_offsets);
HWY_EXPORT(apply_row);

constexpr std::size_t kRows = 512;  // of a piece

// The mean over the rows of their offsets from `mean`, or of the squares of those. One sum a piece, added in order.
std::vector<double> mean_offset(std::span<const float> rows, const std::vector<double>& mean, bool are_squared,
                                int threads) {
  const std::size_t dim = mean.size(), count = rows.size() / dim, pieces = (count + kRows - 1) / kRows;
  std::vector<double> sums(pieces * dim), result(dim);
  for_pieces(pieces, threads, [&](std::size_t piece) {
    for (std::size_t row = piece * kRows; row < std::min(count, (piece + 1) * kRows); ++row) {
      HWY_DYNAMIC_DISPATCH(add_offsets)(&rows[row * dim], mean.data(), dim, are_squared, &sums[piece * dim]);
    }
  });
  for (std::size_t at = 0; at < sums.size(); ++at) result[at % dim] += sums[at] / static_cast<double>(count);
  return result;
}

}  // namespace

Standard::Standard(std::span<const float> rows, std::size_t dim, int threads) : mean_(dim), scale_(dim) {
  mean_ = mean_offset(rows, mean_, false, threads);
  const std::vector<double> variance = mean_offset(rows, mean_, true, threads);
  for (std::size_t i = 0; i < dim; ++i) scale_[i] = variance[i] > 0 ? 1 / std::sqrt(variance[i]) : 0;
}

AlignedBuffer Standard::applied(std::span<const float> rows, const char* name, int threads) const {
  const std::size_t dim = mean_.size(), count = rows.size() / dim, pieces = (count + kRows - 1) / kRows;
  AlignedBuffer result(static_cast<std::int64_t>(rows.size() * sizeof(float)));
  auto* const to = result.as<float>();
  std::atomic<std::size_t> first_bad = count;
  for_pieces(pieces, threads, [&](std::size_t piece) {
    for (std::size_t row = piece * kRows; row < std::min(count, (piece + 1) * kRows); ++row) {
      const bool is_finite =
          HWY_DYNAMIC_DISPATCH(apply_row)(&rows[row * dim], mean_.data(), scale_.data(), dim, to + row * dim);
      for (std::size_t seen = first_bad; !is_finite && row < seen && !first_bad.compare_exchange_weak(seen, row);) {
      }
    }
  });
  GYRUS_CHECK(first_bad == count, Code::non_finite, "row ", first_bad.load(), " of the ", name,
              " features holds NaN or infinity; embed again with finite weights");
  return result;
}

void Standard::undo(std::span<const float> classifier, std::span<float> weights, std::span<float> bias) const {
  const std::size_t dim = mean_.size();
  for (std::size_t c = 0; c < bias.size(); ++c) {
    const std::span<const float> own = classifier.subspan(c * (dim + 1), dim + 1);
    double shift = static_cast<double>(own[dim]);
    for (std::size_t i = 0; i < dim; ++i) {
      const double weight = static_cast<double>(own[i]) * scale_[i];
      weights[c * dim + i] = static_cast<float>(weight);
      shift -= weight * mean_[i];
    }
    bias[c] = static_cast<float>(shift);
  }
}

}  // namespace gyrus::features
#endif
