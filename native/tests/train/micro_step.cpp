// Steps over micro-batches: what equals the step in one piece and what does not, the order of the parts, memory.
#include <cmath>
#include <string>
#include <vector>

#include "core/philox.h"
#include "io/safetensors.h"
#include "tests/harness/suites.h"
#include "tests/harness/test_device.h"
#include "tests/io/scratch.h"
#include "train/sessions.h"

namespace gyrus::tests::suites {
namespace {

using train::ContrastiveOptions;
using train::ContrastiveSession;
using train::StepHyper;

constexpr std::int64_t kBatch = 8, kImage = 32, kPixels = kImage * kImage;
const train::Stop kGoOn{false};
constexpr StepHyper kHyper{1e-3F, 0.9F};

std::vector<float> images(std::uint64_t stream) {
  std::vector<float> x(static_cast<std::size_t>(kBatch * kPixels));
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = Philox{31, stream}.uniform(i) * 2 - 1;
  return x;
}

struct Kind {
  std::string arch = "vit_tiny_patch16_224", method = "mocov3", optimizer = "sgd";
  nn::MlpNorm norm = nn::MlpNorm::layer_norm;
};

ContrastiveOptions options_of(const Kind& kind, std::int64_t micro_batch) {
  ContrastiveOptions options;
  options.method = kind.method;
  options.encoder = {.arch = kind.arch, .image_height = kImage, .image_width = kImage, .channels = 1};
  options.device = {.device = test_device(), .precision = train::Precision::f32};
  options.optimizer.name = kind.optimizer;
  options.batch_size = kBatch;
  options.micro_batch = micro_batch;
  options.projector_hidden = 64;
  options.projector_out = 32;
  options.projector_norm = kind.norm;
  options.seed = 5;
  return options;
}

// Losses of three steps, and all tensors behind them.
struct Outcome {
  std::vector<float> losses;
  std::vector<std::vector<float>> tensors;
};

Outcome train_for(const ContrastiveOptions& options) {
  const ScratchFolder folder;
  const auto session = ContrastiveSession::create(options);
  Outcome outcome;
  for (std::uint64_t s = 0; s < 3; ++s) {
    const std::vector<float> x1 = images(2 * s), x2 = images(2 * s + 1);
    outcome.losses.push_back(session->step(x1.data(), x2.data(), kHyper, kGoOn).loss);
  }
  session->save(folder.path("end"));
  const io::SafetensorsReader reader(folder.path("end"));
  for (const io::StoredTensor& tensor : reader.tensors()) {
    outcome.tensors.emplace_back(static_cast<std::size_t>(tensor.shape.elements()));
    reader.read_f32(tensor, outcome.tensors.back());
  }
  return outcome;
}

// Norm-wise, over all tensors together.
double distance(const Outcome& a, const Outcome& b) {
  double difference = 0, norm = 0;
  for (std::size_t t = 0; t < a.tensors.size(); ++t) {
    for (std::size_t i = 0; i < a.tensors[t].size(); ++i) {
      const double x = static_cast<double>(a.tensors[t][i]), y = static_cast<double>(b.tensors[t][i]);
      difference += (x - y) * (x - y);
      norm += x * x;
    }
  }
  return std::sqrt(difference / norm);
}

void check_equal(Check& check, const Outcome& whole, const Outcome& parts) {
  for (std::size_t s = 0; s < whole.losses.size(); ++s) {
    const double error = std::abs(static_cast<double>(parts.losses[s]) / static_cast<double>(whole.losses[s]) - 1);
    check.that(error < 2e-6, "the loss of step ", s, " is ", parts.losses[s], ", not ", whole.losses[s]);
  }
  check.equal(parts.tensors.size(), whole.tensors.size(), "tensors");
  const double error = distance(whole, parts);
  check.that(error < 1e-6, "the weights differ by ", error);
}

void test_equality(Suite& suite) {
  for (const std::string method : {"mocov3", "simclr"}) {
    suite.test(method + ", layers that see one image: parts of 1, 2, 4 and 8 are one piece", [&](Check& check) {
      const Kind kind{.method = method};
      const Outcome whole = train_for(options_of(kind, 0));
      for (const std::int64_t micro_batch : {1, 2, 4, 8}) {
        check_equal(check, whole, train_for(options_of(kind, micro_batch)));
      }
    });
    suite.test(method + ", batch norms: one part is one piece, smaller parts are another method", [&](Check& check) {
      const Kind kind{.arch = "resnet18", .method = method, .norm = nn::MlpNorm::batch_norm};
      const Outcome whole = train_for(options_of(kind, 0)), parts = train_for(options_of(kind, 4));
      check_equal(check, whole, train_for(options_of(kind, kBatch)));
      const double error = std::abs(static_cast<double>(parts.losses[0]) / static_cast<double>(whole.losses[0]) - 1);
      check.that(error > 1e-4 && error < 0.3, "the first losses differ by ", error);
    });
  }
}

void test_parts(Suite& suite) {
  suite.test("part by part is all at once, to the last bit", [](Check& check) {
    const ContrastiveOptions options = options_of({.arch = "resnet18", .optimizer = "adamw"}, 4);
    const auto once = ContrastiveSession::create(options), apart = ContrastiveSession::create(options);
    for (std::uint64_t s = 0; s < 3; ++s) {
      const std::vector<float> x1 = images(2 * s), x2 = images(2 * s + 1);
      const float wanted = once->step(x1.data(), x2.data(), kHyper, kGoOn).loss;
      const auto at = [](const std::vector<float>& x, std::int64_t part) { return x.data() + part * 4 * kPixels; };
      for (std::int64_t part = 0; part < 2; ++part) apart->rehearse(part, at(x1, part), at(x2, part), kHyper, kGoOn);
      check.equal(apart->contrast(kHyper, kGoOn).loss, wanted, text("loss of step ", s));
      for (std::int64_t part = 0; part < 2; ++part) apart->accumulate(part, at(x1, part), at(x2, part), kHyper, kGoOn);
    }
    const auto a = once->health(), b = apart->health();
    check.equal(a.effective_rank, b.effective_rank, "health");
  });
  suite.test("parts out of turn are refused and change nothing", [](Check& check) {
    const auto session = ContrastiveSession::create(options_of({}, 4));
    const std::vector<float> x1 = images(1), x2 = images(2);
    const auto rehearse = [&](std::int64_t part) { session->rehearse(part, x1.data(), x2.data(), kHyper, kGoOn); };
    const auto accumulate = [&](std::int64_t part) { session->accumulate(part, x1.data(), x2.data(), kHyper, kGoOn); };
    check.throws(Code::invalid_argument, "comes next", [&] { rehearse(1); });
    check.throws(Code::invalid_argument, "no part 2 of 2", [&] { rehearse(2); });
    check.throws(Code::invalid_argument, "comes next", [&] { accumulate(0); });
    rehearse(0);
    check.throws(Code::invalid_argument, "1 of 5 calls", [&] { session->contrast(kHyper, kGoOn); });
    const ScratchFolder folder;
    check.throws(Code::invalid_argument, "half done", [&] { session->save_state(folder.path("x")); });
    rehearse(1);
    check.that(std::isfinite(session->contrast(kHyper, kGoOn).loss), "the loss");
    accumulate(0);
    accumulate(1);
    session->save_state(folder.path("x"));
  });
  suite.test("a batch that is no multiple, parts of a step in one piece", [](Check& check) {
    check.throws(Code::invalid_argument, "microBatch must divide batchSize: 8 is no multiple of 3",
                 [] { ContrastiveSession::create(options_of({}, 3)); });
    const auto session = ContrastiveSession::create(options_of({}, 0));
    check.throws(Code::invalid_argument, "in one piece", [&] { session->contrast(kHyper, kGoOn); });
    ContrastiveOptions unknown = options_of({}, 0);
    unknown.method = "byol";
    check.throws(Code::name, "no method called 'byol'", [&] { ContrastiveSession::create(unknown); });
  });
}

void test_failures(Suite& suite) {
  suite.test("embeddings that are no numbers stop before any update and name the first", [](Check& check) {
    const ScratchFolder folder;
    const auto session = ContrastiveSession::create(options_of({}, 4));
    std::vector<float> x1 = images(1);
    const std::vector<float> x2 = images(2);
    session->save(folder.path("before"));
    x1[6 * kPixels] = NAN;  // of the second part
    check.throws(Code::non_finite, "the input x1", [&] { session->step(x1.data(), x2.data(), kHyper, kGoOn); });
    x1[6 * kPixels] = 0;
    check.throws(Code::aborted, "load the last saved weights",
                 [&] { session->step(x1.data(), x2.data(), kHyper, kGoOn); });
    session->load(folder.path("before"));
    check.that(std::isfinite(session->step(x1.data(), x2.data(), kHyper, kGoOn).loss), "the step after loading");
  });
  suite.test("a step broken off half-way wants weights", [](Check& check) {
    const auto session = ContrastiveSession::create(options_of({}, 4));
    const std::vector<float> x1 = images(1), x2 = images(2);
    const train::Stop stop{true};
    check.throws(Code::aborted, "half-way", [&] { session->step(x1.data(), x2.data(), kHyper, stop); });
    check.throws(Code::aborted, "half-way", [&] { session->step(x1.data(), x2.data(), kHyper, kGoOn); });
  });
}

void test_memory(Suite& suite) {
  suite.test("memory goes by the micro-batch", [](Check& check) {
    const Kind kind{.arch = "resnet18", .norm = nn::MlpNorm::batch_norm};
    ContrastiveOptions large = options_of(kind, 8), small = options_of(kind, 0);
    large.batch_size = 128;
    small.batch_size = 8;
    const std::int64_t parts = ContrastiveSession::create(large)->info().arena_bytes,
                       whole = ContrastiveSession::create(small)->info().arena_bytes;
    check.that(parts < whole * 2, "128 images by eights take ", parts, " bytes, 8 images ", whole);
  });
}

}  // namespace

void micro_step(Suite& suite) {
  test_equality(suite);
  test_parts(suite);
  test_failures(suite);
  test_memory(suite);
}

}  // namespace gyrus::tests::suites
