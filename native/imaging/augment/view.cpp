#include "imaging/augment/view.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/philox.h"
#include "imaging/augment/pixels.h"
#include "imaging/augment/taps.h"
#include "imaging/transpose.h"

namespace gyrus::imaging {
namespace {

constexpr float kLevels = 65535;
constexpr int kCropTries = 10;
constexpr float kLogRatio = 0.28768207F;  // of 4/3

// What a number is drawn for: each has draws of its own.
enum class Purpose : std::uint32_t { crop, bias, gamma, noise, jitter, blur, solarize, flip };

class Draws {
 public:
  Draws(const ViewKey& key, Purpose purpose)
      : philox_{key.seed, (static_cast<std::uint64_t>(key.epoch) << 33U) |
                              (static_cast<std::uint64_t>(key.sample) << 1U) | key.view},
        next_(static_cast<std::uint64_t>(purpose) << 32U) {}

  float unit() { return philox_.uniform(next_++); }
  float between(float low, float high) { return low + (high - low) * unit(); }
  bool chance(float probability) { return unit() < probability; }
  // A whole number in [0, below).
  std::size_t below(std::size_t bound) {
    return static_cast<std::size_t>((static_cast<std::uint64_t>(philox_.bits(next_++)) * bound) >> 32U);
  }
  // Two independent standard normal numbers; only as the first of their purpose.
  NormalPair normals(std::uint64_t at) const {
    const auto words = philox_.block(next_ / 4 + 1 + at);
    return box_muller(words[0], words[1]);
  }

 private:
  Philox philox_;
  std::uint64_t next_;
};

// Brightness and contrast in random order, clamped to [0, 1] after each, as torchvision's ColorJitter does.
void jitter(std::span<float> values, const ViewOptions& options, const ViewKey& key) {
  Draws draws(key, Purpose::jitter);
  if (!draws.chance(options.jitter_probability)) return;
  const float brightness = draws.between(std::max(0.0F, 1 - options.brightness), 1 + options.brightness);
  const float contrast = draws.between(std::max(0.0F, 1 - options.contrast), 1 + options.contrast);
  const bool is_brightness_first = draws.chance(0.5F);
  if (is_brightness_first) scale_clamped(values, brightness, 0);
  const float mean = sum_of(values) / static_cast<float>(values.size());
  scale_clamped(values, contrast, (1 - contrast) * mean);
  if (!is_brightness_first) scale_clamped(values, brightness, 0);
}

// A smooth factor: exp of a polynomial of second order in both directions with coefficients up to the strength.
void apply_bias(std::span<float> image, std::size_t size, const ViewOptions& options, const ViewKey& key) {
  Draws draws(key, Purpose::bias);
  if (!draws.chance(options.bias_probability)) return;
  float c[5];
  for (float& coefficient : c) coefficient = draws.between(-options.bias_strength, options.bias_strength);
  for (std::size_t y = 0; y < size; ++y) {
    const float t = (2 * static_cast<float>(y) + 1) / static_cast<float>(size) - 1;
    multiply_exp(image.subspan(y * size, size), (c[0] + c[1] * t) * t, c[2] + c[3] * t, c[4]);
  }
}

// The magnitude of a complex value of which both parts are noisy. Some 30 ns a pixel, of which Box and Muller's
// logarithm, root and sine are most: not worth a kernel of its own while it is off by default.
void apply_noise(std::span<float> image, const ViewOptions& options, const ViewKey& key) {
  Draws draws(key, Purpose::noise);
  if (!draws.chance(options.noise_probability)) return;
  const float std = options.noise_std;
  for (std::size_t at = 0; at < image.size(); ++at) {
    const NormalPair pair = draws.normals(at);
    const float real = image[at] + std * pair.first, imaginary = std * pair.second;
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

ViewMaker::Crop ViewMaker::draw_crop(const Range& share, const ViewKey& key) const {
  Draws draws(key, Purpose::crop);
  const auto side = static_cast<float>(source_size_);
  for (int attempt = 0; attempt < kCropTries; ++attempt) {
    const float area = side * side * draws.between(share.low, share.high);
    const float ratio = std::exp(draws.between(-kLogRatio, kLogRatio));
    const auto width = static_cast<std::size_t>(std::lround(std::sqrt(area * ratio)));
    const auto height = static_cast<std::size_t>(std::lround(std::sqrt(area / ratio)));
    if (width == 0 || height == 0 || width > source_size_ || height > source_size_) continue;
    const std::size_t top = draws.below(source_size_ - height + 1);
    return {top, draws.below(source_size_ - width + 1), height, width};
  }
  return {0, 0, source_size_, source_size_};  // a square is within the proportions
}

// Rows first, then, of the turned result, the columns: `image_` is left with its columns as rows.
void ViewMaker::resize(std::span<const std::uint16_t> slice, const Crop& crop) {
  GYRUS_ASSERT(slice.size() == source_size_ * source_size_);
  const Taps down = bilinear_taps(crop.height, size_), across = bilinear_taps(crop.width, size_);
  const std::uint16_t* const corner = &slice[crop.top * source_size_ + crop.left];
  for (std::size_t y = 0; y < size_; ++y) {
    mix_levels(corner + down.first[y] * source_size_, source_size_, {&down.weights[y * down.count], down.count},
               1 / kLevels, {&mixed_[y * crop.width], crop.width});
  }
  const auto rows = static_cast<std::int64_t>(size_), columns = static_cast<std::int64_t>(crop.width);
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

void ViewMaker::change_values(const ViewOptions& options, const ViewKey& key) {
  apply_bias(image_, size_, options, key);
  Draws gamma(key, Purpose::gamma);
  if (gamma.chance(options.gamma_probability)) raise(image_, gamma.between(options.gamma.low, options.gamma.high));
  apply_noise(image_, options, key);
  jitter(image_, options, key);
}

void ViewMaker::make(std::span<const std::uint16_t> slice, const ViewOptions& options, const ViewKey& key,
                     const Normalization& normalization, std::span<float> out) {
  GYRUS_ASSERT(out.size() == size_ * size_);
  resize(slice, draw_crop(options.crop, key));
  change_values(options, key);
  Draws blurring(key, Purpose::blur);
  const bool is_blurred = blurring.chance(options.blur_probability);
  const float sigma = blurring.between(options.blur_sigma.low, options.blur_sigma.high);
  if (is_blurred && sigma > 0) blur(sigma);
  turn();
  if (is_blurred && sigma > 0) blur(sigma);
  finish(options, key, normalization, out);
}

void ViewMaker::finish(const ViewOptions& options, const ViewKey& key, const Normalization& normalization,
                       std::span<float> out) {
  Finish finish;
  finish.is_solarized = Draws(key, Purpose::solarize).chance(options.solarize_probability);
  finish.is_flipped = Draws(key, Purpose::flip).chance(options.flip_probability);
  finish.factor = 1 / normalization.std;
  finish.shift = -normalization.mean / normalization.std;
  for (std::size_t y = 0; y < size_; ++y) finish_row({&image_[y * size_], size_}, finish, &out[y * size_]);
}

void ViewMaker::plain(std::span<const std::uint16_t> slice, const Normalization& normalization, std::span<float> out,
                      float side) {
  GYRUS_ASSERT(out.size() == size_ * size_ && side > 0 && side <= 1);
  const auto seen = std::max<std::size_t>(
      1, static_cast<std::size_t>(std::lround(static_cast<double>(source_size_) * static_cast<double>(side))));
  const std::size_t margin = (source_size_ - seen) / 2;
  resize(slice, {margin, margin, seen, seen});
  turn();
  finish({}, {}, normalization, out);
}

}  // namespace gyrus::imaging
