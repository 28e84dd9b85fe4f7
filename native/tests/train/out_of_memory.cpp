// Where a device's memory does not hold a step: the error says how much is needed and there, which micro-batch would
// fit, and the process goes on with it.
#include <string>
#include <vector>

#include "core/philox.h"
#include "tests/harness/suites.h"
#include "tests/io/scratch.h"
#include "tests/runtime/pretended_device.h"
#include "train/micro_advice.h"
#include "train/sessions.h"

namespace gyrus::tests::suites {
namespace {

using train::ContrastiveOptions;
using train::ContrastiveSession;

constexpr std::int64_t kBatch = 96, kImage = 64;

std::int64_t device_bytes = 0;                  // of the next device
std::shared_ptr<PretendedQueue> current_queue;  // of the last one

class LimitedDevice final : public backend::Backend {
 public:
  LimitedDevice() : device_(backend::make_cpu_backend(0), Fence::each_run) {
    device_.pretended_queue().set_limit(device_bytes);
    current_queue = std::static_pointer_cast<PretendedQueue>(device_.queue());
  }
  backend::Capabilities describe() const override { return device_.describe(); }
  std::shared_ptr<backend::DeviceQueue> queue() const override { return device_.queue(); }
  backend::LoweredGraph lower(const graph::Graph& graph) const override { return device_.lower(graph); }

 private:
  PretendedDevice device_;
};

ContrastiveOptions options_with(std::int64_t micro_batch) {
  ContrastiveOptions options;
  options.encoder = {.arch = "vit_tiny_patch16_224", .image_height = kImage, .image_width = kImage, .channels = 1};
  options.device.precision = train::Precision::f32;
  options.device.make = []() -> std::unique_ptr<backend::Backend> { return std::make_unique<LimitedDevice>(); };
  options.batch_size = kBatch;
  options.micro_batch = micro_batch;
  options.projector_hidden = 64;
  options.projector_out = 32;
  return options;
}

// What a step of these options holds on the device.
std::int64_t need_of(std::int64_t micro_batch) {
  device_bytes = std::int64_t{1} << 40;
  const auto session = ContrastiveSession::create(options_with(micro_batch));
  return current_queue->used();
}

void name_a_micro_batch(Check& check) {
  const std::int64_t whole = need_of(0), half = need_of(48), quarter = need_of(24);
  check.that(quarter < half && half < whole, "steps of ", whole, ", ", half, " and ", quarter, " bytes");
  device_bytes = quarter;
  const std::string message =
      check.throws(Code::out_of_memory, "a step in one piece", [] { ContrastiveSession::create(options_with(0)); });
  check.that(contains(message, " free, and ") && contains(message, " more are needed"), message);
  check.that(contains(message, "the GPU has ") && contains(message, "use a smaller batch"), message);
  check.that(contains(message, "\nmicroBatch: 24 would fit: the same step in 4 parts"), message);
  // The process goes on: with what was named, on the same device.
  const auto session = ContrastiveSession::create(options_with(24));
  std::vector<float> x(static_cast<std::size_t>(kBatch / 4 * kImage * kImage));
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = Philox{3, 1}.uniform(i);
  const train::Stop stop{false};
  check.that(session->rehearse(0, x.data(), x.data(), {1e-3F, 0.9F}, stop) > 0, "a part of a step is done");
}

void nothing_fits(Check& check) {
  device_bytes = 1000;
  const std::string message =
      check.throws(Code::out_of_memory, "nothing fits", [] { ContrastiveSession::create(options_with(0)); });
  check.that(contains(message, "no smaller micro-batch fits either"), message);
}

void halve(Check& check) {
  ContrastiveOptions options;
  options.batch_size = 36;
  std::vector<std::int64_t> tried;
  const auto refuse = [&](const ContrastiveOptions& smaller) {
    tried.push_back(smaller.micro_batch);
    throw Error(Code::out_of_memory, "");
  };
  check.equal(train::advise_micro_batch(options, refuse), "\nno smaller micro-batch fits either", "advice");
  check.that(tried == std::vector<std::int64_t>{18, 9, 4, 2, 1}, "what is tried are divisors");
  options.micro_batch = 9;
  tried.clear();
  train::advise_micro_batch(options, refuse);
  check.that(tried == std::vector<std::int64_t>{4, 2, 1}, "below the micro-batch that did not fit");
}

}  // namespace

void device_memory(Suite& suite) {
  suite.test("out of memory names the sizes and the micro-batch that fits", name_a_micro_batch);
  suite.test("where nothing fits, it is said", nothing_fits);
  suite.test("divisors of the batch are tried, halving", halve);
}

}  // namespace gyrus::tests::suites
