// Views of the emulated GPU kernels against the CPU's: the same plans, other sums.
#include "tests/cuda/emulator.h"
// The emulator must come first.
#include <algorithm>
#include <cmath>
#include <vector>

#include "backend/cuda/kernels/augment.h"
#include "core/philox.h"
#include "imaging/augment/plan_view.h"
#include "imaging/augment/view.h"
#include "tests/cuda/guarded_block.h"
#include "tests/harness/suites.h"

namespace gyrus::tests::suites {
namespace {

using imaging::ViewKey;
using imaging::ViewOptions;

struct Job {
  std::size_t source = 0, size = 0, channels = 1;
  std::vector<ViewOptions> options;  // one a view
};

// What the kernels write, in a block of exactly that size: [views, size, size, channels].
template <class T>
std::vector<T> run_kernels(const backend::cuda::AugmentArgs& like, DType dtype, emulation::Order order) {
  backend::cuda::AugmentArgs args = like;
  args.dtype = dtype;
  const std::int64_t count = args.views * args.channels * args.size * args.size;
  const emulation::GuardedBlock out(count * size_of(dtype)), scratch(backend::cuda::augment_scratch_bytes(args));
  args.out = out.data();
  args.scratch = scratch.data();
  emulation::set_order(order);
  backend::cuda::augment_forward(nullptr, args);
  const T* const first = static_cast<const T*>(out.data());
  if (!out.is_intact() || !scratch.is_intact()) return {};
  return {first, first + count};
}

// Largest difference between the two, of values that lie within about [-1, 3]; infinite where one is NaN, or where the
// views in bf16 are not the rounded ones in f32.
float largest_difference(const Job& job, emulation::Order order) {
  const imaging::Normalization normalization{0.25F, 0.5F};
  const std::size_t views = job.options.size(), pixels = job.size * job.size, slices = 2;
  std::vector<std::uint16_t> levels(slices * job.source * job.source);
  for (std::size_t i = 0; i < levels.size(); ++i) levels[i] = static_cast<std::uint16_t>(Philox{8, 9}.bits(i) >> 16U);
  std::vector<math::ViewPlan> plans;
  std::vector<std::int32_t> slice_of;
  std::vector<float> expected(views * pixels);
  imaging::ViewMaker maker(job.source, job.size);
  for (std::size_t i = 0; i < views; ++i) {
    const ViewKey key{3, 4, static_cast<std::uint32_t>(i), 1};
    slice_of.push_back(static_cast<std::int32_t>(i % slices));
    plans.push_back(imaging::plan_view(job.options[i], key, job.source));
    maker.make({&levels[i % slices * job.source * job.source], job.source * job.source}, job.options[i], key,
               normalization, {&expected[i * pixels], pixels});
  }
  backend::cuda::AugmentArgs args;
  args.slices = levels.data();
  args.plans = plans.data();
  args.slice_of = slice_of.data();
  args.views = static_cast<std::int64_t>(views);
  args.channels = static_cast<std::int64_t>(job.channels);
  args.source_size = static_cast<std::int64_t>(job.source);
  args.size = static_cast<std::int64_t>(job.size);
  args.mean = normalization.mean;
  args.std = normalization.std;
  const std::vector<float> found = run_kernels<float>(args, DType::f32, order);
  const std::vector<bf16_t> rounded = run_kernels<bf16_t>(args, DType::bf16, order);
  if (found.size() != views * job.channels * pixels || rounded.size() != found.size()) return INFINITY;
  float worst = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const float off = std::fabs(found[i] - expected[i / job.channels]);
    worst = off <= worst ? worst : std::isnan(off) ? INFINITY : off;
    if (rounded[i].bits != to_bf16(found[i]).bits) return INFINITY;
  }
  return worst;
}

void test_steps(Suite& suite, const std::string& name, const ViewOptions& options, float allowed) {
  suite.test(name, [=](Check& check) {
    for (const auto& [source, size] : {std::pair<std::size_t, std::size_t>{37, 16}, {16, 37}, {20, 20}, {41, 24}}) {
      for (const emulation::Order order : {emulation::Order::shuffled, emulation::Order::descending}) {
        const float off = largest_difference({source, size, 1, std::vector<ViewOptions>(3, options)}, order);
        check.that(off <= allowed, source, " to ", size, ": off by ", off);
      }
    }
  });
}

}  // namespace

void cuda_augment(Suite& suite) {
  ViewOptions crop, bias, gamma, noise, jitter, blur, turn;
  crop.crop = {0.08F, 1};
  bias.bias_probability = gamma.gamma_probability = noise.noise_probability = 1;
  jitter.jitter_probability = blur.blur_probability = turn.solarize_probability = turn.flip_probability = 1;
  bias.bias_strength = 0.5F;
  gamma.gamma = {0.5F, 2};
  noise.noise_std = 0.1F;
  jitter.brightness = jitter.contrast = 0.4F;
  // Values are divided by a deviation of 1/2: one rounding of a value near 1 is 1.2e-7 in the result.
  test_steps(suite, "crops, resized", crop, 2e-6F);
  test_steps(suite, "a bias field", bias, 4e-6F);
  test_steps(suite, "gamma", gamma, 4e-6F);
  test_steps(suite, "noise", noise, 4e-6F);
  test_steps(suite, "brightness and contrast in both orders", jitter, 4e-6F);
  test_steps(suite, "blur", blur, 2e-6F);
  ViewOptions wide = blur;
  wide.blur_sigma = {50, 50};  // wider than the table of weights
  test_steps(suite, "a blur wider than the view", wide, 2e-6F);
  // Solarisation jumps nowhere: both sides of 1/2 meet there.
  test_steps(suite, "solarised and mirrored", turn, 2e-6F);
  ViewOptions all = crop;
  all.bias_probability = all.gamma_probability = all.noise_probability = all.jitter_probability = 0.8F;
  all.blur_probability = all.solarize_probability = all.flip_probability = 0.5F;
  all.bias_strength = 0.5F;
  all.gamma = {0.5F, 2};
  all.noise_std = 0.05F;
  all.brightness = all.contrast = 0.4F;
  suite.test("everything at random, in more than one portion, three channels alike, last", [=](Check& check) {
    const float off = largest_difference({23, 14, 3, std::vector<ViewOptions>(70, all)}, emulation::Order::shuffled);
    check.that(off <= 1e-5F, "off by ", off);
  });
}

}  // namespace gyrus::tests::suites
