#include "imaging/augment/plan_view.h"

#include <algorithm>
#include <cmath>

#include "core/philox.h"

namespace gyrus::imaging {
namespace {

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
  // Whoever draws many numbers at once: the generator, and the first of its blocks that no draw has touched.
  const Philox& generator() const { return philox_; }
  std::uint64_t next_block() const { return next_ / 4 + 1; }

 private:
  Philox philox_;
  std::uint64_t next_;
};

void draw_crop(math::ViewPlan& plan, const Range& share, const ViewKey& key, std::size_t source_size) {
  Draws draws(key, Purpose::crop);
  const auto side = static_cast<float>(source_size);
  for (int attempt = 0; attempt < kCropTries; ++attempt) {
    const float area = side * side * draws.between(share.low, share.high);
    const float ratio = std::exp(draws.between(-kLogRatio, kLogRatio));
    const auto width = static_cast<std::size_t>(std::lround(std::sqrt(area * ratio)));
    const auto height = static_cast<std::size_t>(std::lround(std::sqrt(area / ratio)));
    if (width == 0 || height == 0 || width > source_size || height > source_size) continue;
    plan.top = static_cast<std::int32_t>(draws.below(source_size - height + 1));
    plan.left = static_cast<std::int32_t>(draws.below(source_size - width + 1));
    plan.height = static_cast<std::int32_t>(height);
    plan.width = static_cast<std::int32_t>(width);
    return;
  }
  plan.height = plan.width = static_cast<std::int32_t>(source_size);  // a square is within the proportions
}

void draw_bias(math::ViewPlan& plan, const ViewOptions& options, const ViewKey& key) {
  Draws draws(key, Purpose::bias);
  plan.has_bias = draws.chance(options.bias_probability);
  for (float& c : plan.bias) c = draws.between(-options.bias_strength, options.bias_strength);
}

void draw_noise(math::ViewPlan& plan, const ViewOptions& options, const ViewKey& key) {
  Draws draws(key, Purpose::noise);
  plan.has_noise = draws.chance(options.noise_probability);
  plan.noise_std = options.noise_std;
  plan.noise_seed = draws.generator().seed;
  plan.noise_stream = draws.generator().stream;
  plan.noise_block = draws.next_block();
}

void draw_jitter(math::ViewPlan& plan, const ViewOptions& options, const ViewKey& key) {
  Draws draws(key, Purpose::jitter);
  plan.has_jitter = draws.chance(options.jitter_probability);
  plan.brightness = draws.between(std::max(0.0F, 1 - options.brightness), 1 + options.brightness);
  plan.contrast = draws.between(std::max(0.0F, 1 - options.contrast), 1 + options.contrast);
  plan.is_brightness_first = draws.chance(0.5F);
}

}  // namespace

math::ViewPlan plan_view(const ViewOptions& options, const ViewKey& key, std::size_t source_size) {
  math::ViewPlan plan;
  draw_crop(plan, options.crop, key, source_size);
  draw_bias(plan, options, key);
  Draws gamma(key, Purpose::gamma);
  plan.has_gamma = gamma.chance(options.gamma_probability);
  plan.gamma = gamma.between(options.gamma.low, options.gamma.high);
  draw_noise(plan, options, key);
  draw_jitter(plan, options, key);
  Draws blur(key, Purpose::blur);
  const bool is_blurred = blur.chance(options.blur_probability);
  const float sigma = blur.between(options.blur_sigma.low, options.blur_sigma.high);
  plan.blur_sigma = is_blurred && sigma > 0 ? sigma : 0;
  plan.is_solarized = Draws(key, Purpose::solarize).chance(options.solarize_probability);
  plan.is_flipped = Draws(key, Purpose::flip).chance(options.flip_probability);
  return plan;
}

}  // namespace gyrus::imaging
