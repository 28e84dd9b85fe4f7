// What fine-tuning adds to a training: targets, layers with rates of their own, stochastic depth, predictions,
// backbones, and states to go on from.
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "core/philox.h"
#include "nn/encoder.h"
#include "tests/harness/suites.h"
#include "tests/harness/test_device.h"
#include "tests/io/scratch.h"
#include "train/sessions.h"
#include "train/soft_targets.h"
#include "train/stochastic_depth.h"

namespace gyrus::tests::suites {
namespace {

using train::SupervisedOptions;
using train::SupervisedSession;

constexpr std::int64_t kBatch = 4, kImage = 32, kClasses = 3;
const train::Stop kGoOn{false};

std::vector<float> images(std::uint64_t stream, std::int64_t count = kBatch) {
  std::vector<float> x(static_cast<std::size_t>(count * kImage * kImage));
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = Philox{31, stream}.uniform(i) * 2 - 1;
  return x;
}

SupervisedOptions options_of(const std::string& arch) {
  SupervisedOptions options;
  options.encoder = {.arch = arch, .image_height = kImage, .image_width = kImage, .channels = 1};
  options.device = {.device = test_device(), .precision = train::Precision::f32};
  options.batch_size = kBatch;
  options.classes = kClasses;
  return options;
}

const std::vector<std::int32_t> kLabels{0, 2, 1, 2};

float step(SupervisedSession& session, std::uint64_t number, float mix = 1) {
  return session.step(images(number).data(), kLabels.data(), {1e-3F, 0, mix}, kGoOn).loss;
}

std::vector<float> predict(SupervisedSession& session, std::int64_t count) {
  std::vector<float> logits(static_cast<std::size_t>(count * kClasses));
  session.predict(images(99, count).data(), count, logits.data(), kGoOn);
  return logits;
}

void test_targets(Suite& suite) {
  suite.test("targets hold weights, smoothing and mixtures", [](Check& check) {
    std::vector<float> targets(6);
    const std::vector<float> weights{1, 2, 5};
    train::make_targets({3, 0.3, weights}, std::vector<std::int32_t>{0, 1}, 1, targets);
    // t_k = w_k (0.7 [k = y] + 0.1), over 1 + 2.
    const std::vector<double> expected{0.8 / 3, 0.2 / 3, 0.5 / 3, 0.1 / 3, 1.6 / 3, 0.5 / 3};
    for (std::size_t i = 0; i < 6; ++i) check.that(std::abs(targets[i] - expected[i]) < 1e-7, "target ", i);
    train::make_targets({3, 0, {}}, std::vector<std::int32_t>{0, 1}, 0.75, targets);
    const std::vector<float> mixed{0.375F, 0.125F, 0, 0.125F, 0.375F, 0};
    check.that(targets == mixed, "a mixture of both labels");
    std::vector<float> out(4);
    train::mix_images(std::vector<float>{1, 2, 3, 4}, 2, 0.75F, out);
    check.that(out == std::vector<float>{1.5F, 2.5F, 2.5F, 3.5F}, "a mixture of both images");
  });
  suite.test("branches are left out as often as they should be", [](Check& check) {
    train::StochasticDepth depth(24, 50, 0.4F, 7);
    double last = 0;
    int dropped = 0;
    for (std::int64_t s = 0; s < 40; ++s) {
      const float* factors = depth.draw(s);
      for (int i = 0; i < 100; ++i) check.that(factors[i] == 1, "the first block stays");
      for (int i = 22 * 50; i < 24 * 50; ++i) {
        last += factors[i];
        dropped += factors[i] == 0 ? 1 : 0;
      }
    }
    // 4000 draws: five standard deviations are 0.04.
    check.that(std::abs(dropped / 4000.0 - 0.4) < 0.04, "dropped ", dropped);
    check.that(std::abs(last / 4000 - 1) < 0.065, "the mean factor is ", last / 4000);
    const std::vector<float> again(depth.draw(3), depth.draw(3) + 1200);
    check.that(std::vector<float>(depth.draw(3), depth.draw(3) + 1200) == again, "a function of the step");
  });
}

void test_layers(Suite& suite) {
  suite.test("layers are counted from the image", [](Check& check) {
    const nn::EncoderOptions vit{.arch = "vit_tiny_patch16_224"}, resnet{.arch = "resnet50"};
    check.equal(nn::layer_count(vit), std::int64_t{14}, "of a ViT");
    check.equal(nn::layer_of(vit, "patch_embed.proj.bias"), std::int64_t{0}, "patches");
    check.equal(nn::layer_of(vit, "blocks.11.mlp.fc1.weight"), std::int64_t{12}, "last block");
    check.equal(nn::layer_of(vit, "norm.weight"), std::int64_t{13}, "norm");
    check.equal(nn::layer_of(vit, "head.weight"), std::int64_t{13}, "head");
    check.equal(nn::layer_count(resnet), std::int64_t{6}, "of a ResNet");
    check.equal(nn::layer_of(resnet, "bn1.weight"), std::int64_t{0}, "stem");
    check.equal(nn::layer_of(resnet, "layer4.2.conv3.weight"), std::int64_t{4}, "last stage");
    check.equal(nn::layer_of(resnet, "fc.bias"), std::int64_t{5}, "classifier");
    check.equal(nn::residual_branches(vit), std::int64_t{24}, "branches");
    check.equal(nn::residual_branches(resnet), std::int64_t{0}, "branches of a ResNet");
  });
}

void test_predictions(Suite& suite) {
  for (const std::string arch : {"resnet18", "vit_tiny_patch16_224"}) {
    suite.test(arch + ": predictions are each image's own and change nothing", [&](Check& check) {
      SupervisedOptions options = options_of(arch);
      options.drop_path = arch.starts_with("vit") ? 0.2F : 0.0F;
      const auto session = SupervisedSession::create(options), other = SupervisedSession::create(options);
      step(*session, 1);
      step(*other, 1);
      const std::vector<float> five = predict(*session, 5), one = predict(*session, 1);
      for (std::size_t k = 0; k < kClasses; ++k) {
        check.that(std::abs(five[k] - one[k]) < 1e-4F * (1 + std::abs(one[k])), "logit ", k);
      }
      check.equal(step(*session, 2), step(*other, 2), "the next loss");
      check.that(predict(*session, 5) != five, "a step changes the predictions");
    });
  }
}

void test_files(Suite& suite) {
  suite.test("going on from a state is exact, with mixup and stochastic depth", [](Check& check) {
    const ScratchFolder folder;
    SupervisedOptions options = options_of("vit_tiny_patch16_224");
    options.drop_path = 0.3F;
    options.has_mixup = true;
    options.layer_decay = 0.8F;
    options.class_weights = {1, 2, 0.5F};
    const auto whole = SupervisedSession::create(options), second = SupervisedSession::create(options);
    std::vector<float> losses;
    for (std::uint64_t s = 0; s < 4; ++s) {
      losses.push_back(step(*whole, s, 0.7F));
      if (s == 1) whole->save_state(folder.path("half"));
    }
    second->load_state(folder.path("half"));
    for (std::uint64_t s = 2; s < 4; ++s) check.equal(step(*second, s, 0.7F), losses[s], text("loss of step ", s));
  });
  suite.test("a backbone is taken over without its head", [](Check& check) {
    const ScratchFolder folder;
    SupervisedOptions options = options_of("resnet18");
    options.seed = 1;
    const auto first = SupervisedSession::create(options);
    step(*first, 1);
    first->save(folder.path("trained"));
    options.seed = 2;
    options.classes = 2;
    const auto second = SupervisedSession::create(options);
    const train::LoadReport report = second->load_backbone(folder.path("trained"));
    check.equal(report.unexpected.size(), std::size_t{0}, "unexpected");
    check.that(report.missing.empty() && report.matched.size() == 100, "all of the backbone");
    check.throws(Code::weights_mismatch, "blocks", [&] {
      SupervisedSession::create(options_of("vit_tiny_patch16_224"))->load_backbone(folder.path("trained"));
    });
  });
}

void test_refusals(Suite& suite) {
  suite.test("what cannot be asked for is named", [](Check& check) {
    const auto make = [](const std::string& arch, auto&& change) {
      SupervisedOptions options = options_of(arch);
      change(options);
      SupervisedSession::create(options);
    };
    check.throws(Code::invalid_argument, "classWeights has 2", [&] {
      make("resnet18", [](auto& o) { o.class_weights = {1, 1}; });
    });
    check.throws(Code::invalid_argument, "above 0", [&] {
      make("resnet18", [](auto& o) { o.class_weights = {1, 0, 1}; });
    });
    check.throws(Code::invalid_argument, "no branches", [&] { make("resnet18", [](auto& o) { o.drop_path = 0.1F; }); });
    check.throws(Code::invalid_argument, "dropPath",
                 [&] { make("vit_tiny_patch16_224", [](auto& o) { o.drop_path = 1; }); });
    check.throws(Code::invalid_argument, "layerDecay", [&] { make("resnet18", [](auto& o) { o.layer_decay = 0; }); });
    check.throws(Code::invalid_argument, "without mixup",
                 [] { step(*SupervisedSession::create(options_of("resnet18")), 0, 0.5F); });
  });
}

}  // namespace

void classifier(Suite& suite) {
  test_targets(suite);
  test_layers(suite);
  test_predictions(suite);
  test_files(suite);
  test_refusals(suite);
}

}  // namespace gyrus::tests::suites
