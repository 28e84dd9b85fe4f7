// gyrus_tests [--device cpu|cuda] [--filter SUBSTRING] [--only SUITE]... [--without SUITE]... [--list] [--max-skips N]
// [--share FOLDER]: runs the native suites, prints TAP. SUITE may also be suite/start of a test's name. Processes that
// share an empty folder divide the tests.
// Exit status: 0 all passed, 1 something failed or too much was skipped, 2 wrong usage or a filter that fits no test.
#include <cstring>
#include <iostream>
#include <limits>
#include <string>

#include "tests/harness/suites.h"
#include "tests/harness/test_device.h"

namespace {

using gyrus::tests::Runner;
using gyrus::tests::RunOptions;
using gyrus::tests::Suite;
using gyrus::tests::Totals;

struct Arguments {
  RunOptions run;
  int max_skips = std::numeric_limits<int>::max();
  bool are_valid = true;
};

Arguments parse(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--list") {
      arguments.run.is_list = true;
    } else if (argument == "--filter" && i + 1 < argc) {
      arguments.run.filter = argv[++i];
    } else if (argument == "--only" && i + 1 < argc) {
      arguments.run.only.emplace_back(argv[++i]);
    } else if (argument == "--share" && i + 1 < argc) {
      arguments.run.share = argv[++i];
    } else if (argument == "--without" && i + 1 < argc) {
      arguments.run.without.emplace_back(argv[++i]);
    } else if (argument == "--device" && i + 1 < argc) {
      gyrus::tests::set_test_device(argv[++i]);
    } else if (argument == "--max-skips" && i + 1 < argc) {
      arguments.max_skips = std::stoi(argv[++i]);
    } else {
      arguments.are_valid = false;
    }
  }
  return arguments;
}

}  // namespace

int main(int argc, char** argv) {
  const Arguments arguments = parse(argc, argv);
  if (!arguments.are_valid) {
    std::cerr << "usage: gyrus_tests [--device cpu|cuda] [--filter SUBSTRING] [--only SUITE]... [--without SUITE]... "
                 "[--list] [--max-skips N] [--share FOLDER]\n";
    return 2;
  }
  Runner runner(std::cout, arguments.run);
#define GYRUS_RUN_SUITE(name)          \
  {                                    \
    Suite suite(runner, #name);        \
    gyrus::tests::suites::name(suite); \
  }
  GYRUS_TEST_SUITES(GYRUS_RUN_SUITE)
#undef GYRUS_RUN_SUITE
  const Totals totals = runner.finish();
  if (arguments.run.is_list) return 0;
  if (totals.passed + totals.failed + totals.skipped == 0 && arguments.run.share.empty()) {
    std::cerr << "no test's name contains '" << arguments.run.filter << "'\n";
    return 2;
  }
  if (totals.skipped > arguments.max_skips) {
    std::cerr << totals.skipped << " tests were skipped; at most " << arguments.max_skips << " may be\n";
    return 1;
  }
  return totals.failed == 0 ? 0 : 1;
}
