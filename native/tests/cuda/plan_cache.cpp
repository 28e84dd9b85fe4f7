#include "tests/cuda/emulator.h"
// The emulator must come first.
// The file of tuned choices: what is kept comes back, for that machine alone, whatever befalls the file.
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "backend/cuda/plan_cache.h"
#include "tests/cuda/choices_folder.h"
#include "tests/harness/suites.h"
#include "tests/io/scratch.h"

namespace gyrus::tests::suites {
namespace {

using backend::cuda::PlanCache;

constexpr const char* kMachine = "NVIDIA H200 cudnn 9.20.0 cublas 130101";
constexpr const char* kKey = "conv2d bf16 bf16 n256 h56 w56 ci64 co64 k3x3 s1 p1";

void round_trip(Check& check) {
  const ChoicesFolder folder;
  PlanCache first(kMachine);
  check.that(!first.find(kKey), "nothing is known at first");
  first.keep(kKey, 3);
  first.keep("attention bf16 n256 t197 heads6 hd64", 0);
  first.keep(kKey, 5);
  check.equal(first.find(kKey).value_or(-1), 5, "the later choice");
  const PlanCache second(kMachine);
  check.equal(second.find(kKey).value_or(-1), 5, "the choice in another process");
  check.equal(second.find("attention bf16 n256 t197 heads6 hd64").value_or(-1), 0, "another shape's");
  check.equal(second.notice(), "", "notice");
}

void by_machine(Check& check) {
  const ChoicesFolder folder;
  PlanCache(kMachine).keep(kKey, 3);
  for (const char* other : {"NVIDIA H100 80GB HBM3 cudnn 9.20.0 cublas 130101",
                            "NVIDIA H200 cudnn 9.21.0 cublas 130101", "NVIDIA H200 cudnn 9.20.0 cublas 130200"}) {
    check.that(!PlanCache(other).find(kKey), other, " has tuned nothing");
  }
  check.that(!PlanCache(kMachine).find("conv2d bf16 bf16 n128 h56 w56 ci64 co64 k3x3 s1 p1"), "another batch");
}

void damaged(Check& check) {
  const ChoicesFolder folder;
  PlanCache(kMachine).keep(kKey, 3);
  const std::string path = PlanCache(kMachine).path();
  const std::string good = read_bytes(path);
  write_bytes(path, good + "no number\tx\nno tab\nnegative\t-1\n\nlong\t99999999999999\ntorn\t1");
  PlanCache after(kMachine);
  check.equal(after.find(kKey).value_or(-1), 3, "the good line");
  check.that(!after.find("torn") && !after.find("negative"), "damaged lines count for nothing");
  check.equal(after.notice(), "5 damaged lines of " + path + " were left aside", "notice");
  after.keep("next", 7);
  check.equal(PlanCache(kMachine).find("next").value_or(-1), 7, "what is kept after a torn line");
}

void many_writers(Check& check) {
  const ChoicesFolder folder;
  constexpr int kWriters = 8, kChoices = 100;
  std::vector<std::thread> writers;
  writers.reserve(kWriters);
  for (int writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([writer] {
      PlanCache own(kMachine);  // as in processes of their own
      for (int i = 0; i < kChoices; ++i) own.keep(text("writer ", writer, " shape ", i), i % 7);
    });
  }
  for (std::thread& thread : writers) thread.join();
  const PlanCache all(kMachine);
  check.equal(all.notice(), "", "no line is mixed with another");
  for (int writer = 0; writer < kWriters; ++writer) {
    for (int i = 0; i < kChoices; ++i) {
      const std::string key = text("writer ", writer, " shape ", i);
      check.equal(all.find(key).value_or(-1), i % 7, key);
    }
  }
}

void no_folder(Check& check) {
  const ChoicesFolder folder;
  write_bytes(folder.path("file"), "");
  const Variable file("GYRUS_CUDA_CACHE", folder.path("file"));
  PlanCache forgetful(kMachine);
  forgetful.keep(kKey, 2);
  check.equal(forgetful.find(kKey).value_or(-1), 2, "the choice of this process");
  check.that(!PlanCache(kMachine).find(kKey), "another process knows nothing");
  check.that(forgetful.is_tuning(), "it tunes");
  const Variable tune("GYRUS_CUDA_TUNE", "0");
  check.that(!PlanCache(kMachine).is_tuning(), "GYRUS_CUDA_TUNE=0 tunes nothing");
}

}  // namespace

void cuda_plan_cache(Suite& suite) {
  suite.test("what is kept comes back", round_trip);
  suite.test("choices are those of one GPU, version and shape", by_machine);
  suite.test("a damaged file loses its damaged lines, and it is said", damaged);
  suite.test("several writers at once", many_writers);
  suite.test("where no file can be, choices are forgotten", no_folder);
}

}  // namespace gyrus::tests::suites
