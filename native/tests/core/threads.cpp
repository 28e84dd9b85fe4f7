// How many threads compute: what is asked for and what the environment says, and too many of them.
#include "core/threads.h"

#include "tests/harness/environment.h"
#include "tests/harness/suites.h"
#include "tests/io/scratch.h"
#include "train/sessions.h"

namespace gyrus::tests::suites {
namespace {

constexpr const char* kVariable = "OMP_NUM_THREADS";

void test_numbers(Suite& suite) {
  suite.test("what is asked for goes before the environment, and that before the processors", [](Check& check) {
    const Variable environment(kVariable, "3");
    check.equal(resolve_threads(5), 5, "asked for");
    check.equal(resolve_threads(kMostThreads), kMostThreads, "as many as there may be");
    check.equal(resolve_threads(0), 3, "of the environment");
    for (const char* const of_all : {"", "0", "-2", "all"}) {
      const Variable none(kVariable, of_all);
      check.that(resolve_threads(0) >= 1 && resolve_threads(0) <= kMostThreads, of_all);
    }
    const Variable nested(kVariable, "7,2");
    check.equal(resolve_threads(0), 7, "of the outermost teams");
  });
  suite.test("more threads than a system starts are refused", [](Check& check) {
    const std::string asked =
        check.throws(Code::invalid_argument, "asked for", [] { resolve_threads(kMostThreads + 1); });
    check.that(contains(asked, "threads is 1025; take at most 1024"), asked);
    for (const char* const many : {"1025", "100000", "99999999999999999999"}) {
      const Variable environment(kVariable, many);
      const std::string message = check.throws(Code::invalid_argument, many, [] { resolve_threads(0); });
      check.that(contains(message, text("OMP_NUM_THREADS is '", many, "'; set it to at most 1024")), message);
    }
  });
}

void test_sessions(Suite& suite) {
  suite.test("no session is made of too many threads", [](Check& check) {
    train::DeviceOptions device{.device = "auto", .precision = train::Precision::f32, .threads = 100000};
    const nn::EncoderOptions encoder{.arch = "resnet18", .image_height = 32, .image_width = 32, .channels = 1};
    const auto open = [&] { (void)train::EncoderSession::create(encoder, device, "", 1); };
    check.throws(Code::invalid_argument, "asked for", open);
    device.threads = 0;
    const Variable environment(kVariable, "100000");
    check.throws(Code::invalid_argument, "of the environment", open);
  });
}

}  // namespace

void threads(Suite& suite) {
  test_numbers(suite);
  test_sessions(suite);
}

}  // namespace gyrus::tests::suites
