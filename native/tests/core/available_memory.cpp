// What is left of the machine's memory and of control groups', read from a pretended /proc and /sys; steps that do not
// fit, which are refused with a micro-batch that does; and networks that do not, which are refused at once.
#include "core/available_memory.h"

#include <chrono>
#include <cstdlib>
#include <filesystem>

#include "core/memory_stats.h"
#include "tests/harness/environment.h"
#include "tests/harness/suites.h"
#include "tests/io/scratch.h"
#include "train/memory_remedy.h"
#include "train/sessions.h"

namespace gyrus::tests::suites {
namespace {

using train::ContrastiveOptions;
using train::ContrastiveSession;

constexpr std::int64_t kMebi = std::int64_t{1} << 20;

// A root folder with these files.
class Root {
 public:
  void write(const std::string& name, std::string_view bytes) const {
    const std::string path = folder_.path(name);
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    write_bytes(path, bytes);
  }
  std::string path() const { return folder_.path("."); }

 private:
  ScratchFolder folder_;
};

class Limit : Variable {
 public:
  explicit Limit(const std::string& value) : Variable("GYRUS_MEMORY_LIMIT", value) {}
};

std::int64_t left(const Root& root) {
  const auto found = available_memory(root.path());
  return found ? found->bytes : -1;
}

ContrastiveOptions options_of(const std::string& arch, std::int64_t batch, std::int64_t micro_batch) {
  ContrastiveOptions options;
  options.encoder = {.arch = arch, .image_height = 64, .image_width = 64, .channels = 1};
  options.device = {.device = "cpu", .precision = train::Precision::f32};
  options.batch_size = batch;
  options.micro_batch = micro_batch;
  options.projector_hidden = 64;
  options.projector_out = 32;
  return options;
}

void test_sources(Suite& suite) {
  suite.test("a system that says nothing sets no limit", [](Check& check) { check.equal(left(Root()), -1, "bytes"); });
  suite.test("what the machine has left", [](Check& check) {
    const Root root;
    root.write("proc/meminfo", "MemTotal:       4096 kB\nMemFree:  10 kB\nMemAvailable:    2048 kB\n");
    check.equal(left(root), 2048 * 1024, "bytes");
    root.write("proc/self/cgroup", "0::/\n");
    root.write("sys/fs/cgroup/memory.max", "max\n");
    root.write("sys/fs/cgroup/memory.current", "5\n");
    check.equal(left(root), 2048 * 1024, "beside a group without a limit");
  });
  suite.test("control groups of version 2, each around the other", [](Check& check) {
    const Root root;
    root.write("proc/meminfo", "MemAvailable: 1000000 kB\n");
    root.write("proc/self/cgroup", "0::/user/job\n");
    root.write("sys/fs/cgroup/user/job/memory.max", "max\n");
    root.write("sys/fs/cgroup/user/job/memory.current", "700\n");
    root.write("sys/fs/cgroup/user/memory.max", "5000\n");
    root.write("sys/fs/cgroup/user/memory.current", "3000\n");
    root.write("sys/fs/cgroup/user/memory.stat", "anon 900\ninactive_file 400\n");
    check.equal(left(root), 5000 - 3000 + 400, "bytes: pages of files can be taken back");
    const auto found = available_memory(root.path());
    check.that(found && found->whose.ends_with("sys/fs/cgroup/user"), found ? found->whose : "");
    root.write("sys/fs/cgroup/user/job/memory.max", "900\n");
    check.equal(left(root), 200, "the inner one has less");
  });
  suite.test("control groups of version 1, in a container that sees its own group as the mount", [](Check& check) {
    const Root root;
    root.write("proc/self/cgroup", "9:pids:/\n4:cpu,memory:/docker/abc\n");
    root.write("sys/fs/cgroup/memory/memory.limit_in_bytes", "8000\n");
    root.write("sys/fs/cgroup/memory/memory.usage_in_bytes", "6000\n");
    root.write("sys/fs/cgroup/memory/memory.stat", "inactive_file 1\ntotal_inactive_file 500\n");
    check.equal(left(root), 2500, "bytes");
    root.write("sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes", "1000\n");
    root.write("sys/fs/cgroup/memory/docker/abc/memory.usage_in_bytes", "1200\n");
    check.equal(left(root), 0, "never less than nothing");
  });
}

void test_limits(Suite& suite) {
  suite.test("the environment's limit goes before the system's", [](Check& check) {
    const std::int64_t held = memory_stats().host_bytes;
    {
      const Limit limit(text(held + 10 * kMebi));
      check_available(10 * kMebi, "this");
      const std::string message =
          check.throws(Code::out_of_memory, "too much", [] { check_available(10 * kMebi + 1, "this"); });
      check.that(contains(message, "this needs 0.01 GiB of memory") && contains(message, "of GYRUS_MEMORY_LIMIT's"),
                 message);
    }
    {
      const Limit limit("4T");
      check_available(std::int64_t{1} << 41, "half of it");
    }
    const Limit limit("none");
    check_available(std::int64_t{1} << 60, "all there is");
    for (const char* const bad : {"", "12 apples", "-1", "12GB", "G"}) {
      const Limit wrong(bad);
      check.throws(Code::invalid_argument, bad, [] { check_available(1, "this"); });
    }
  });
  suite.test("more than any machine has is refused", [](Check& check) {
    check.throws(Code::out_of_memory, "an exbibyte", [] { check_available(std::int64_t{1} << 60, "this"); });
  });
}

// The limit is less than the step in one piece needs, and the message names parts with which it fits.
void check_suggestion(Check& check, const std::string& arch, std::int64_t batch, std::int64_t limit) {
  const Limit environment(text(memory_stats().host_bytes + limit));
  const std::string message =
      check.throws(Code::out_of_memory, arch, [&] { ContrastiveSession::create(options_of(arch, batch, 0)); });
  constexpr std::string_view kSuggestion = "take microBatch ";
  const std::size_t at = message.find(kSuggestion);
  if (!check.that(at != std::string::npos && contains(message, "GYRUS_MEMORY_LIMIT=none"), message)) return;
  const std::int64_t images = std::atoll(message.c_str() + at + kSuggestion.size());
  check.that(images >= 2 && images < batch && batch % images == 0, "suggested: ", images);
  const auto session = ContrastiveSession::create(options_of(arch, batch, images));
  check.that(session->info().arena_bytes < limit, "it fits: ", session->info().arena_bytes, " of ", limit);
}

void test_sessions(Suite& suite) {
  suite.test("a step that does not fit: ResNet",
             [](Check& check) { check_suggestion(check, "resnet18", 320, 600 * kMebi); });
  suite.test("a step that does not fit: ViT",
             [](Check& check) { check_suggestion(check, "vit_tiny_patch16_224", 64, 250 * kMebi); });
  suite.test("no parts are named where none would fit", [](Check& check) {
    const Limit environment(text(memory_stats().host_bytes + 220 * kMebi));
    const std::string message = check.throws(Code::out_of_memory, "resnet18",
                                             [] { ContrastiveSession::create(options_of("resnet18", 48, 0)); });
    check.that(contains(message, "take a smaller batch"), message);
  });
  suite.test("a supervised step that does not fit names a batch", [](Check& check) {
    const Limit environment(text(memory_stats().host_bytes + 300 * kMebi));
    train::SupervisedOptions options;
    options.encoder = options_of("resnet18", 1, 0).encoder;
    options.device = {.device = "cpu", .precision = train::Precision::f32};
    options.batch_size = 256;
    const std::string message =
        check.throws(Code::out_of_memory, "resnet18", [&] { train::SupervisedSession::create(options); });
    check.that(contains(message, "take a batchSize of some "), message);
  });
}

// A ViT whose positions, 48 GiB of them, would take minutes to fill if they could be had.
void test_networks(Suite& suite) {
  const nn::EncoderOptions huge{
      .arch = "vit_base_patch16_224", .image_height = 65536, .image_width = 65536, .channels = 1};
  suite.test("a network of images that are too large is refused before anything is allocated", [huge](Check& check) {
    const Limit environment("32G");
    const auto start = std::chrono::steady_clock::now();
    const std::int64_t peak = memory_stats().peak_host_bytes;
    const auto refused = [&](const char* whose, const std::function<void()>& open) {
      const std::string message = check.throws(Code::out_of_memory, whose, open);
      check.that(contains(message, "pos_embed' [1, 16777217, 768]") && contains(message, "[1, 65536, 65536]") &&
                     contains(message, "take smaller images") && contains(message, "GYRUS_MEMORY_LIMIT=none"),
                 message);
    };
    const train::DeviceOptions device{.device = "cpu", .precision = train::Precision::f32};
    refused("an encoder", [&] { train::EncoderSession::create(huge, device, "", 1); });
    ContrastiveOptions contrastive = options_of("resnet18", 2, 0);
    contrastive.encoder = huge;
    refused("pretraining", [&] { ContrastiveSession::create(contrastive); });
    train::SupervisedOptions supervised;
    supervised.encoder = huge;
    supervised.device = device;
    supervised.batch_size = 2;
    refused("training", [&] { train::SupervisedSession::create(supervised); });
    check.equal(memory_stats().peak_host_bytes, peak, "bytes that were ever held");
    check.that(std::chrono::steady_clock::now() - start < std::chrono::seconds(1), "at once");
  });
  suite.test("what is trained is counted with all that belongs to it", [](Check& check) {
    const nn::EncoderOptions encoder = options_of("resnet18", 2, 0).encoder;
    const graph::ParameterSpecs specs = nn::encoder_parameters(encoder);
    constexpr std::int64_t kParameters = 43 * kMebi;  // 11.2 million numbers
    const Limit environment(text(memory_stats().host_bytes + 7 * kParameters / 2));
    train::check_room(specs, encoder);
    train::check_room(specs, encoder, 2);
    check.throws(Code::out_of_memory, "AdamW's", [&] { train::check_room(specs, encoder, 3); });
  });
  suite.test("inference over images that are too many says so", [](Check& check) {
    const nn::EncoderOptions encoder = options_of("resnet18", 2, 0).encoder;
    const auto session =
        train::EncoderSession::create(encoder, {.device = "cpu", .precision = train::Precision::f32}, "", 1);
    const std::vector<float> images(std::size_t{32} * 64 * 64);
    std::vector<float> features(std::size_t{32} * 512);
    const std::atomic<bool> stop{false};
    const Limit environment(text(memory_stats().host_bytes + kMebi));
    const std::string message = check.throws(Code::out_of_memory, "32 images",
                                             [&] { session->embed(images.data(), 32, features.data(), stop); });
    check.that(contains(message, "32 image(s) at once: ") && contains(message, "give fewer images at a time"), message);
  });
}

}  // namespace

void memory_limits(Suite& suite) {
  test_sources(suite);
  test_limits(suite);
  test_sessions(suite);
  test_networks(suite);
}

}  // namespace gyrus::tests::suites
