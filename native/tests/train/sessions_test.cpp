// The engine's sessions from end to end, on small images: they learn, save, load, abort and give their memory back.
#include "train/sessions.h"

#include <cmath>
#include <string>
#include <vector>

#include "core/memory_stats.h"
#include "core/philox.h"
#include "tests/harness/suites.h"
#include "tests/harness/test_device.h"
#include "tests/io/scratch.h"

namespace gyrus::tests::suites {
namespace {

using train::ContrastiveOptions;
using train::ContrastiveSession;
using train::Precision;
using train::SupervisedOptions;
using train::SupervisedSession;

constexpr std::int64_t kBatch = 6, kImage = 32;
constexpr std::size_t kPixels = static_cast<std::size_t>(kBatch * kImage * kImage);

std::vector<float> images(std::uint64_t stream) {
  std::vector<float> x(kPixels);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = Philox{11, stream}.uniform(i) * 2 - 1;
  return x;
}

ContrastiveOptions moco_options(const std::string& arch) {
  ContrastiveOptions options;
  options.encoder = {.arch = arch, .image_height = kImage, .image_width = kImage, .channels = 1};
  options.device = {.device = test_device(), .precision = Precision::f32};
  options.batch_size = kBatch;
  options.projector_hidden = 64;
  options.projector_out = 32;
  options.seed = 3;
  return options;
}

SupervisedOptions supervised_options(const std::string& arch) {
  SupervisedOptions options;
  options.encoder = moco_options(arch).encoder;
  options.device = {.device = test_device(), .precision = Precision::f32};
  options.optimizer.weight_decay = 0;
  options.batch_size = kBatch;
  options.classes = 3;
  return options;
}

std::vector<std::int32_t> labels() { return {0, 1, 2, 0, 1, 2}; }

void test_learning(Suite& suite) {
  for (const std::string arch : {"resnet18", "vit_tiny_patch16_224"}) {
    suite.test("supervised " + arch + " fits six images", [&](Check& check) {
      const auto session = SupervisedSession::create(supervised_options(arch));
      const std::vector<float> x = images(1);
      const std::vector<std::int32_t> y = labels();
      const train::Stop stop{false};
      float loss = 0;
      for (int step = 0; step < 25; ++step) loss = session->step(x.data(), y.data(), {1e-3F, 0}, stop).loss;
      check.that(loss < 0.1F, "the loss after 25 steps is ", loss);
    });
    suite.test("MoCo v3 " + arch + " starts near chance and falls", [&](Check& check) {
      const auto session = ContrastiveSession::create(moco_options(arch));
      const std::vector<float> x1 = images(1), x2 = images(2);
      const train::Stop stop{false};
      const float first = session->step(x1.data(), x2.data(), {1e-3F, 0.99F}, stop).loss;
      float last = 0;
      for (int step = 0; step < 15; ++step) last = session->step(x1.data(), x2.data(), {1e-3F, 0.99F}, stop).loss;
      const float chance = 4 * 0.2F * std::log(static_cast<float>(kBatch));
      check.that(std::abs(first - chance) < 0.8F, "the first loss is ", first, ", chance is ", chance);
      check.that(last < 0.5F * first, "the loss fell only from ", first, " to ", last);
    });
  }
}

void test_precision(Suite& suite) {
  suite.test("bf16 follows f32, or says that this CPU has none", [](Check& check) {
    ContrastiveOptions options = moco_options("resnet18");
    const auto exact = ContrastiveSession::create(options);
    options.device.precision = Precision::bf16;
    const std::vector<float> x1 = images(1), x2 = images(2);
    const train::Stop stop{false};
    try {
      const auto rounded = ContrastiveSession::create(options);
      check.equal(rounded->info().precision, std::string("bf16"), "precision");
      const float a = exact->step(x1.data(), x2.data(), {1e-3F, 0.99F}, stop).loss;
      const float b = rounded->step(x1.data(), x2.data(), {1e-3F, 0.99F}, stop).loss;
      check.that(std::abs(a - b) < 0.05F * a, "losses are ", a, " and ", b);
    } catch (const Error& error) {
      check.that(error.code() == Code::precision_unsupported, error.what());
    }
  });
}

void test_saving(Suite& suite) {
  suite.test("save and load give back every tensor to the bit", [](Check& check) {
    const ScratchFolder folder;
    const std::string first = folder.path("a.safetensors"), second = folder.path("b.safetensors");
    const std::vector<float> x1 = images(1), x2 = images(2);
    const train::Stop stop{false};
    const auto session = ContrastiveSession::create(moco_options("resnet18"));
    session->step(x1.data(), x2.data(), {1e-3F, 0.99F}, stop);
    session->save(first);
    ContrastiveOptions other = moco_options("resnet18");
    other.seed = 4;
    const auto copy = ContrastiveSession::create(other);
    const train::LoadReport report = copy->load(first);
    check.that(report.missing.empty() && report.unexpected.empty() && !report.matched.empty(),
               "the report must be clean");
    copy->save(second);
    check.that(read_bytes(first) == read_bytes(second), "the second file must equal the first");
    check.equal(copy->step(x1.data(), x2.data(), {0, 1.0F}, stop).loss,
                session->step(x1.data(), x2.data(), {0, 1.0F}, stop).loss, "the next loss");
  });
  suite.test("weights of another architecture are refused with the list", [](Check& check) {
    const ScratchFolder folder;
    const std::string path = folder.path("moco.safetensors");
    ContrastiveSession::create(moco_options("resnet18"))->save(path);
    const std::string message = check.throws(Code::weights_mismatch, "vit", [&] {
      train::EncoderSession::create(moco_options("vit_tiny_patch16_224").encoder, {}, path);
    });
    check.that(message.find("cls_token") != std::string::npos, message);
  });
}

void test_abort(Suite& suite) {
  suite.test("an aborted step leaves the session torn until weights are loaded", [](Check& check) {
    const ScratchFolder folder;
    const std::string path = folder.path("w.safetensors");
    const auto session = ContrastiveSession::create(moco_options("resnet18"));
    session->save(path);
    const std::vector<float> x1 = images(1), x2 = images(2);
    const train::Stop stopped{true}, going{false};
    const auto step = [&](const train::Stop& stop) { session->step(x1.data(), x2.data(), {1e-3F, 0.99F}, stop); };
    check.throws(Code::aborted, "stopped", [&] { step(stopped); });
    check.throws(Code::aborted, "torn", [&] { step(going); });
    session->load(path);
    step(going);
  });
}

bool has_gpu() {
  try {
    return backend::make_cuda_backend() != nullptr;
  } catch (const Error& error) {
    if (error.code() != Code::cuda_unavailable) throw;
    return false;
  }
}

// 'auto' takes the GPU where there is one, and says why not where there is none.
void test_automatic_device(Suite& suite) {
  suite.test("'auto' says what it took and why", [](Check& check) {
    SupervisedOptions options = supervised_options("resnet18");
    options.device.device = "auto";
    const train::SessionInfo info = SupervisedSession::create(options)->info();
    check.equal(info.device, std::string(has_gpu() ? "cuda" : "cpu"), "the device");
    check.that(!info.device_reason.empty(), "a reason is given");
    options.device.device = test_device();
    check.equal(SupervisedSession::create(options)->info().device_reason, std::string(),
                "the reason of a named device");
  });
}

void test_bad_options(Suite& suite) {
  suite.test("bad options are named", [](Check& check) {
    const auto moco = [](auto&& change) {
      ContrastiveOptions options = moco_options("resnet18");
      change(options);
      ContrastiveSession::create(options);
    };
    check.throws(Code::batch_too_small, "batch of 1", [&] { moco([](auto& o) { o.batch_size = 1; }); });
    check.throws(Code::name, "arch", [&] { moco([](auto& o) { o.encoder.arch = "resnet51"; }); });
    check.throws(Code::shape, "channels", [&] { moco([](auto& o) { o.encoder.channels = 2; }); });
    check.throws(Code::invalid_argument, "temperature", [&] { moco([](auto& o) { o.temperature = 0; }); });
    check.throws(Code::invalid_argument, "optimizer", [&] { moco([](auto& o) { o.optimizer.name = "adam"; }); });
    check.throws(Code::invalid_argument, "device", [&] { moco([](auto& o) { o.device.device = "tpu"; }); });
    if (test_device() == "cpu" && !has_gpu()) {
      check.throws(Code::cuda_unavailable, "cuda", [&] { moco([](auto& o) { o.device.device = "cuda"; }); });
    }
    check.throws(Code::invalid_argument, "labels", [&] {
      const auto session = SupervisedSession::create(supervised_options("resnet18"));
      const std::vector<std::int32_t> bad{0, 1, 2, 3, 0, 1};
      session->step(images(1).data(), bad.data(), {}, train::Stop{false});
    });
  });
}

void test_embedding(Suite& suite) {
  suite.test("any number of images gives the features that each has alone", [](Check& check) {
    const auto encoder = moco_options("resnet18").encoder;
    const auto session =
        train::EncoderSession::create(encoder, {.device = test_device(), .precision = Precision::f32}, "", 5);
    const std::vector<float> x = images(1);
    const train::Stop stop{false};
    const auto width = static_cast<std::size_t>(session->info().feature_dim);
    std::vector<float> together(static_cast<std::size_t>(kBatch) * width), alone(width);
    session->embed(x.data(), kBatch, together.data(), stop);
    const std::size_t pixels = kPixels / static_cast<std::size_t>(kBatch);
    double difference = 0, size = 0;
    for (std::size_t image = 0; image < static_cast<std::size_t>(kBatch); ++image) {
      session->embed(x.data() + image * pixels, 1, alone.data(), stop);
      for (std::size_t i = 0; i < width; ++i) {
        difference += std::pow(alone[i] - together[image * width + i], 2);
        size += std::pow(alone[i], 2);
      }
    }
    check.that(size > 0 && std::sqrt(difference / size) < 1e-5, "relative difference ", std::sqrt(difference / size));
    session->embed(nullptr, 0, nullptr, stop);
    check.throws(Code::aborted, "abort", [&] { session->embed(x.data(), 2, together.data(), train::Stop{true}); });
  });
}

void test_memory(Suite& suite) {
  suite.test("sessions give back all memory", [](Check& check) {
    const std::int64_t before = memory_stats().host_bytes;
    for (int i = 0; i < 3; ++i) {
      const auto session = ContrastiveSession::create(moco_options("resnet18"));
      check.that(memory_stats().host_bytes > before, "a session must be counted");
    }
    check.equal(memory_stats().host_bytes, before, "host bytes");
  });
}

}  // namespace

void sessions(Suite& suite) {
  test_learning(suite);
  test_precision(suite);
  test_saving(suite);
  test_abort(suite);
  test_automatic_device(suite);
  test_bad_options(suite);
  test_embedding(suite);
  test_memory(suite);
}

}  // namespace gyrus::tests::suites
