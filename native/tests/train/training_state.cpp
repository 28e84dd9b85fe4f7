// States of trainings: going on from one is going on without it, to the last bit; losses that are no numbers;
// backbones; the health of embeddings.
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "core/philox.h"
#include "features/symmetric_eigenvalues.h"
#include "io/safetensors.h"
#include "tests/harness/suites.h"
#include "tests/harness/test_device.h"
#include "tests/io/scratch.h"
#include "train/sessions.h"

namespace gyrus::tests::suites {
namespace {

using train::ContrastiveOptions;
using train::ContrastiveSession;
using train::EncoderSession;
using train::Precision;

constexpr std::int64_t kBatch = 6, kImage = 32;
const train::Stop kGoOn{false};

std::vector<float> images(std::uint64_t stream, std::int64_t count = kBatch) {
  std::vector<float> x(static_cast<std::size_t>(count * kImage * kImage));
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = Philox{21, stream}.uniform(i) * 2 - 1;
  return x;
}

ContrastiveOptions options_of(const std::string& arch, const std::string& optimizer,
                              Precision precision = Precision::f32) {
  ContrastiveOptions options;
  options.encoder = {.arch = arch, .image_height = kImage, .image_width = kImage, .channels = 1};
  options.device = {.device = test_device(), .precision = precision};
  options.optimizer.name = optimizer;
  options.batch_size = kBatch;
  options.projector_hidden = 64;
  options.projector_out = 32;
  options.seed = 3;
  return options;
}

float step(ContrastiveSession& session, std::uint64_t number) {
  const std::vector<float> x1 = images(2 * number), x2 = images(2 * number + 1);
  return session.step(x1.data(), x2.data(), {1e-3F, 0.9F}, kGoOn).loss;
}

std::vector<std::vector<float>> tensors_of(const std::string& path) {
  const io::SafetensorsReader reader(path);
  std::vector<std::vector<float>> values;
  for (const io::StoredTensor& tensor : reader.tensors()) {
    values.emplace_back(static_cast<std::size_t>(tensor.shape.elements()));
    reader.read_f32(tensor, values.back());
  }
  return values;
}

void check_continuation(Check& check, const ContrastiveOptions& options) {
  const ScratchFolder folder;
  const auto whole = ContrastiveSession::create(options), first = ContrastiveSession::create(options);
  std::vector<float> losses;
  for (std::uint64_t s = 0; s < 6; ++s) losses.push_back(step(*whole, s));
  for (std::uint64_t s = 0; s < 3; ++s) step(*first, s);
  first->save_state(folder.path("half"));
  ContrastiveOptions other = options;
  other.seed = 99;
  const auto second = ContrastiveSession::create(other);
  second->load_state(folder.path("half"));
  for (std::uint64_t s = 3; s < 6; ++s) check.equal(step(*second, s), losses[s], text("loss of step ", s));
  whole->save_state(folder.path("a"));
  second->save_state(folder.path("b"));
  check.that(tensors_of(folder.path("a")) == tensors_of(folder.path("b")), "weights, buffers, momentum and slots");
}

void test_states(Suite& suite) {
  for (const std::string optimizer : {"adamw", "lars", "lars_solo", "sgd"}) {
    suite.test("going on is exact: " + optimizer,
               [&](Check& check) { check_continuation(check, options_of("resnet18", optimizer)); });
  }
  suite.test("going on is exact: vit_tiny_patch16_224 in the best precision there is", [](Check& check) {
    check_continuation(check, options_of("vit_tiny_patch16_224", "adamw", Precision::automatic));
  });
  suite.test("states of other trainings are refused and change nothing", [](Check& check) {
    const ScratchFolder folder;
    const auto session = ContrastiveSession::create(options_of("resnet18", "adamw"));
    step(*session, 0);
    session->save_state(folder.path("state"));
    session->save(folder.path("weights"));
    const auto refused = [&](const ContrastiveOptions& options, const std::string& name) {
      return [&folder, options, name] { ContrastiveSession::create(options)->load_state(folder.path(name)); };
    };
    check.throws(Code::weights_mismatch, "arch", refused(options_of("resnet34", "adamw"), "state"));
    check.throws(Code::weights_mismatch, "optimizer", refused(options_of("resnet18", "sgd"), "state"));
    check.throws(Code::weights_mismatch, "weights alone", refused(options_of("resnet18", "adamw"), "weights"));
    ContrastiveOptions wide = options_of("resnet18", "adamw");
    wide.projector_out = 16;
    check.throws(Code::weights_mismatch, "projector", refused(wide, "state"));
    const float next = step(*session, 1);
    const auto copy = ContrastiveSession::create(options_of("resnet18", "adamw"));
    copy->load_state(folder.path("state"));
    check.throws(Code::weights_mismatch, "weights", [&] { copy->load_state(folder.path("weights")); });
    check.equal(step(*copy, 1), next, "the step after a refusal");
  });
}

void test_non_finite(Suite& suite) {
  suite.test("a loss that is no number names its origin and changes no weight", [](Check& check) {
    const ScratchFolder folder;
    const auto session = ContrastiveSession::create(options_of("resnet18", "adamw"));
    step(*session, 0);
    session->save(folder.path("before"));
    std::vector<float> x1 = images(1), x2 = images(2);
    x2[77] = std::numeric_limits<float>::quiet_NaN();
    const std::string message = check.throws(Code::non_finite, "an input", [&] {
      session->step(x1.data(), x2.data(), {1e-3F, 0.9F}, kGoOn);
    });
    check.that(message.find("the input x2") != std::string::npos, message);
    check.throws(Code::aborted, "the next step", [&] { step(*session, 1); });
    session->load(folder.path("before"));
    check.that(std::isfinite(step(*session, 1)), "a step after loading");
  });
  suite.test("activations that overflow are named by their layer", [](Check& check) {
    const auto session = ContrastiveSession::create(options_of("vit_tiny_patch16_224", "adamw"));
    std::vector<float> x1 = images(1), x2 = images(2);
    for (float& value : x1) value = 3e38F;
    const std::string message = check.throws(Code::non_finite, "overflow", [&] {
      session->step(x1.data(), x2.data(), {1e-3F, 0.9F}, kGoOn);
    });
    check.that(message.find("the output of ") != std::string::npos && message.find("patch_embed") != std::string::npos,
               message);
  });
  suite.test("weights that are no numbers are not saved", [](Check& check) {
    const ScratchFolder folder;
    const auto session = ContrastiveSession::create(options_of("resnet18", "sgd"));
    const std::vector<float> x1 = images(1), x2 = images(2);
    session->step(x1.data(), x2.data(), {std::numeric_limits<float>::infinity(), 0.9F}, kGoOn);
    check.throws(Code::non_finite, "state", [&] { session->save_state(folder.path("state")); });
    check.throws(Code::non_finite, "weights", [&] { session->save(folder.path("weights")); });
    check.throws(Code::non_finite, "backbone", [&] { session->save_backbone(folder.path("backbone"), 3, {}); });
    check.equal(folder.entries(), std::size_t{0}, "files");
    const std::string message = check.throws(Code::non_finite, "the next step", [&] { step(*session, 2); });
    check.that(message.find("the parameter ") != std::string::npos, message);
  });
}

void test_backbones(Suite& suite) {
  for (const std::string arch : {"resnet18", "vit_tiny_patch16_224"}) {
    suite.test("a backbone over three channels computes what the one over one does: " + arch, [&](Check& check) {
      const ScratchFolder folder;
      const auto session = ContrastiveSession::create(options_of(arch, "adamw"));
      step(*session, 0);
      session->save_backbone(folder.path("rgb"), 3, {});
      session->save_backbone(folder.path("grey"), 1, {});
      const auto features = [&](const std::string& file, std::int64_t channels, std::size_t adapted) {
        train::DeviceOptions device{.device = test_device(), .precision = Precision::f32};
        const auto encoder =
            EncoderSession::create({.arch = arch, .image_height = kImage, .image_width = kImage, .channels = channels},
                                   device, folder.path(file));
        check.equal(encoder->load_report().adapted.size(), adapted, "adapted tensors");
        std::vector<float> x;
        for (std::int64_t c = 0; c < channels; ++c) {
          const std::vector<float> grey = images(7, 1);
          x.insert(x.end(), grey.begin(), grey.end());
        }
        std::vector<float> out(static_cast<std::size_t>(encoder->info().feature_dim));
        encoder->embed(x.data(), 1, out.data(), kGoOn);
        return out;
      };
      const std::vector<float> grey = features("grey", 1, 0);
      for (const std::vector<float>& other : {features("rgb", 3, 0), features("rgb", 1, 1)}) {
        double worst = 0, most = 0;
        for (std::size_t i = 0; i < grey.size(); ++i) {
          worst = std::max(worst, std::abs(double{grey[i]} - double{other[i]}));
          most = std::max(most, std::abs(double{grey[i]}));
        }
        check.that(worst < 1e-4 * most, "features differ by ", worst, " of ", most);
      }
    });
  }
}

void test_health(Suite& suite) {
  suite.test("eigenvalues of a matrix that is known", [](Check& check) {
    std::vector<double> values = features::symmetric_eigenvalues({2, -1, 0, -1, 2, -1, 0, -1, 2}, 3);
    std::sort(values.begin(), values.end());
    const std::vector<double> exact{2 - std::sqrt(2.0), 2, 2 + std::sqrt(2.0)};
    for (std::size_t i = 0; i < 3; ++i) check.that(std::abs(values[i] - exact[i]) < 1e-12, "eigenvalue ", values[i]);
  });
  suite.test("embeddings all alike, and as different as can be", [](Check& check) {
    const std::size_t dim = 8;
    std::vector<float> same(4 * dim), apart(dim * dim);
    for (std::size_t row = 0; row < 4; ++row) same[row * dim] = 1;
    for (std::size_t row = 0; row < dim; ++row) apart[row * dim + row] = 1;
    const features::EmbeddingHealth dead = features::embedding_health(same, same, dim);
    check.that(dead.std == 0 && std::abs(dead.effective_rank - 1) < 1e-6 && dead.alignment == 0, "std ", dead.std,
               ", rank ", dead.effective_rank);
    check.that(std::abs(dead.uniformity) < 1e-6, "uniformity ", dead.uniformity);
    std::vector<float> opposite = apart;
    for (float& value : opposite) value = -value;
    const features::EmbeddingHealth alive = features::embedding_health(apart, opposite, dim);
    check.that(std::abs(alive.effective_rank - 8) < 1e-6, "rank ", alive.effective_rank);
    check.that(std::abs(alive.alignment - 4) < 1e-6, "alignment ", alive.alignment);
    check.that(std::abs(alive.uniformity + 4) < 1e-6, "uniformity ", alive.uniformity);
    check.that(std::abs(alive.std - std::sqrt(7.0 / 8)) < 1e-6, "std ", alive.std);
  });
  suite.test("health is the last step's, and there must be one", [](Check& check) {
    const auto session = ContrastiveSession::create(options_of("resnet18", "adamw"));
    check.throws(Code::invalid_argument, "before any step", [&] { session->health(); });
    step(*session, 0);
    const features::EmbeddingHealth health = session->health();
    check.that(health.std > 0.1 && health.std < 1.1 && health.effective_rank > 1.5 && health.effective_rank <= 6,
               "std ", health.std, ", rank ", health.effective_rank);
  });
}

}  // namespace

void training_state(Suite& suite) {
  test_states(suite);
  test_non_finite(suite);
  test_backbones(suite);
  test_health(suite);
}

}  // namespace gyrus::tests::suites
