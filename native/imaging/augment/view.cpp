#include "imaging/augment/view.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/philox.h"
#include "imaging/augment/pixels.h"
#include "imaging/augment/plan_view.h"
#include "imaging/augment/taps.h"
#include "imaging/transpose.h"

namespace gyrus::imaging {
namespace {

constexpr float kLevels = 65535;
// Brightness and contrast, clamped to [0, 1] after each, as torchvision's ColorJitter does.
void jitter(std::span<float> values, const math::ViewPlan& plan) {
  if (plan.is_brightness_first) scale_clamped(values, plan.brightness, 0);
  const float mean = sum_of(values) / static_cast<float>(values.size());
  scale_clamped(values, plan.contrast, (1 - plan.contrast) * mean);
  if (!plan.is_brightness_first) scale_clamped(values, plan.brightness, 0);
}

// `image` holds the view's columns as rows, here and in apply_noise().
void apply_bias(std::span<float> image, std::size_t size, const math::ViewPlan& plan) {
  const float* const c = plan.bias;
  for (std::size_t x = 0; x < size; ++x) {
    const float t = (2 * static_cast<float>(x) + 1) / static_cast<float>(size) - 1;
    multiply_exp(image.subspan(x * size, size), (c[0] + c[1] * t) * t, c[2] + c[3] * t, c[4]);
  }
}

// The magnitude of a complex value of which both parts are noisy. Some 30 ns a pixel, of which Box and Muller's
// logarithm, root and sine are most: not worth a kernel of its own while it is off by default.
void apply_noise(std::span<float> image, const math::ViewPlan& plan) {
  const Philox philox{plan.noise_seed, plan.noise_stream};
  for (std::size_t at = 0; at < image.size(); ++at) {
    const auto words = philox.block(plan.noise_block + at);
    const NormalPair pair = box_muller(words[0], words[1]);
    const float real = image[at] + plan.noise_std * pair.first, imaginary = plan.noise_std * pair.second;
    image[at] = std::min(1.0F, std::sqrt(real * real + imaginary * imaginary));
  }
}

}  // namespace

ViewMaker::ViewMaker(std::size_t source_size, std::size_t size)
    : source_size_(source_size),
      size_(size),
      image_(size * size),
      other_(size * size),
      mixed_(size * source_size),
      turned_(size * source_size) {
  GYRUS_ASSERT(source_size > 0 && size > 0);
}

// Rows first, then, of the turned result, the columns: `image_` is left with its columns as rows.
void ViewMaker::resize(std::span<const std::uint16_t> slice, const math::ViewPlan& plan) {
  GYRUS_ASSERT(slice.size() == source_size_ * source_size_);
  const auto height = static_cast<std::size_t>(plan.height), width = static_cast<std::size_t>(plan.width);
  const Taps down = bilinear_taps(height, size_), across = bilinear_taps(width, size_);
  const std::uint16_t* const corner =
      &slice[static_cast<std::size_t>(plan.top) * source_size_ + static_cast<std::size_t>(plan.left)];
  for (std::size_t y = 0; y < size_; ++y) {
    mix_levels(corner + down.first[y] * source_size_, source_size_, {&down.weights[y * down.count], down.count},
               1 / kLevels, {&mixed_[y * width], width});
  }
  const auto rows = static_cast<std::int64_t>(size_), columns = static_cast<std::int64_t>(width);
  transpose({mixed_.data(), columns}, rows, columns, {turned_.data(), rows});
  for (std::size_t x = 0; x < size_; ++x) {
    rows_.clear();
    for (std::size_t k = 0; k < across.count; ++k) rows_.push_back(&turned_[(across.first[x] + k) * size_]);
    mix_rows(rows_, {&across.weights[x * across.count], across.count}, size_, &image_[x * size_]);
  }
}

void ViewMaker::turn() {
  const auto side = static_cast<std::int64_t>(size_);
  transpose({image_.data(), side}, side, side, {other_.data(), side});
  image_.swap(other_);
}

// Along the columns of the array as it lies: called before and after turn().
void ViewMaker::blur(float sigma) {
  const std::vector<float> weights = gaussian_weights(sigma);
  const auto radius = static_cast<std::ptrdiff_t>(weights.size() / 2), last = static_cast<std::ptrdiff_t>(size_) - 1;
  for (std::ptrdiff_t y = 0; y <= last; ++y) {
    rows_.clear();
    for (std::ptrdiff_t k = -radius; k <= radius; ++k) {
      rows_.push_back(&image_[static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(y + k, 0, last)) * size_]);
    }
    mix_rows(rows_, weights, size_, &other_[static_cast<std::size_t>(y) * size_]);
  }
  image_.swap(other_);
}

void ViewMaker::change_values(const math::ViewPlan& plan) {
  if (plan.has_bias) apply_bias(image_, size_, plan);
  if (plan.has_gamma) raise(image_, plan.gamma);
  if (plan.has_noise) apply_noise(image_, plan);
  if (plan.has_jitter) jitter(image_, plan);
}

void ViewMaker::make(std::span<const std::uint16_t> slice, const ViewOptions& options, const ViewKey& key,
                     const Normalization& normalization, std::span<float> out) {
  make(slice, plan_view(options, key, source_size_), normalization, out);
}

void ViewMaker::make(std::span<const std::uint16_t> slice, const math::ViewPlan& plan,
                     const Normalization& normalization, std::span<float> out) {
  GYRUS_ASSERT(out.size() == size_ * size_);
  resize(slice, plan);
  change_values(plan);
  if (plan.blur_sigma > 0) blur(plan.blur_sigma);
  turn();
  if (plan.blur_sigma > 0) blur(plan.blur_sigma);
  finish(plan, normalization, out);
}

void ViewMaker::finish(const math::ViewPlan& plan, const Normalization& normalization, std::span<float> out) {
  const Finish finish{plan.is_solarized, plan.is_flipped, 1 / normalization.std,
                      -normalization.mean / normalization.std};
  for (std::size_t y = 0; y < size_; ++y) finish_row({&image_[y * size_], size_}, finish, &out[y * size_]);
}

void ViewMaker::plain(std::span<const std::uint16_t> slice, const Normalization& normalization, std::span<float> out,
                      float side) {
  GYRUS_ASSERT(out.size() == size_ * size_ && side > 0 && side <= 1);
  const auto seen = std::max<std::size_t>(
      1, static_cast<std::size_t>(std::lround(static_cast<double>(source_size_) * static_cast<double>(side))));
  math::ViewPlan plan;
  plan.top = plan.left = static_cast<std::int32_t>((source_size_ - seen) / 2);
  plan.height = plan.width = static_cast<std::int32_t>(seen);
  resize(slice, plan);
  turn();
  finish(plan, normalization, out);
}

}  // namespace gyrus::imaging
