// The harness tests itself: a comparison that lets a wrong value pass would make every other test worthless.
#include <limits>
#include <sstream>
#include <vector>

#include "tests/harness/compare.h"
#include "tests/harness/suites.h"
#include "tests/io/scratch.h"

namespace gyrus::tests::suites {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

// What the runner prints for one test with this body.
std::string report_of(const std::function<void(Check&)>& body, Totals* totals) {
  std::ostringstream out;
  Runner runner(out, {});
  runner.test("suite/test", body);
  *totals = runner.finish();
  return out.str();
}

// Which tests a runner leaves to nobody, and which to another process.
void test_choice(Suite& suite) {
  suite.test("runner: a suite that is left out does not run, its neighbour does", [](Check& check) {
    std::ostringstream out;
    Runner runner(out, {.filter = "", .without = {"slow"}});
    int calls = 0;
    for (const std::string name : {"slow/one", "slower/one"}) {
      runner.test(name, [&calls](Check& inner) { inner.equal(++calls, 1, "calls"); });
    }
    check.equal(runner.finish().passed, 1, "passed tests");
    check.that(out.str().find("slow/") == std::string::npos, "it is not named in ", out.str());
  });
  suite.test("runner: of suites that are named, only those run", [](Check& check) {
    std::ostringstream out;
    Runner runner(out, {.filter = "", .only = {"slow"}});
    for (const std::string name : {"slow/one", "slower/one"}) runner.test(name, [](Check& inner) { inner.that(true); });
    check.equal(runner.finish().passed, 1, "passed tests");
  });
  suite.test("runner: of a suite, tests are left out by the start of their names", [](Check& check) {
    std::ostringstream out;
    Runner runner(out, {.filter = "", .without = {"suite/large"}});
    for (const std::string name : {"suite/large: a", "suite/larger", "suite/small", "large/one"}) {
      runner.test(name, [](Check& inner) { inner.that(true); });
    }
    check.equal(runner.finish().passed, 2, "passed tests");
  });
  suite.test("runner: two that share a folder run each test once, and all of them", [](Check& check) {
    const ScratchFolder folder;
    std::ostringstream out;
    Runner one(out, {.filter = "", .share = folder.path("")}), other(out, {.filter = "", .share = folder.path("")});
    std::vector<int> runs(3);
    const auto run = [&runs](Runner& runner, std::size_t at) {
      runner.test(text("suite/", at), [&runs, at](Check& inner) { inner.equal(++runs[at], 1, "runs"); });
    };
    run(one, 0);
    for (std::size_t at = 0; at < 3; ++at) run(other, at);
    for (std::size_t at = 1; at < 3; ++at) run(one, at);
    check.that(runs == std::vector<int>{1, 1, 1}, "runs ", runs[0], ", ", runs[1], ", ", runs[2]);
    check.equal(one.finish().passed, 1, "of the first");
    check.equal(other.finish().passed, 2, "of the second");
  });
}

}  // namespace

void harness(Suite& suite) {
  test_choice(suite);
  suite.test("compare: equal arrays have no error, a known difference gives the known error", [](Check& check) {
    const std::vector<double> expected{3, 4}, found{3, 4.5};
    check.equal(compare(expected, expected).norm_error, 0.0, "norm error of equal arrays");
    const Comparison result = compare(found, expected);
    check.equal(result.norm_error, 0.1, "norm error");
    check.equal(result.max_error, 0.125, "max error");
    check.equal(result.worst, 1, "worst element");
  });
  suite.test("compare: NaN, infinities and sizes that disagree are problems", [](Check& check) {
    const auto has_problem = [](std::vector<double> found, std::vector<double> expected) {
      return !compare(found, expected).problem.empty();
    };
    check.that(has_problem({kNan}, {1}), "an unexpected NaN");
    check.that(has_problem({1}, {kNan}), "a missing NaN");
    check.that(has_problem({kInf}, {1}), "an unexpected infinity");
    check.that(has_problem({-kInf}, {kInf}), "an infinity of the wrong sign");
    check.that(has_problem({1, 2}, {1}), "sizes");
    check.that(!has_problem({kNan, kInf, -kInf}, {kNan, kInf, -kInf}), "expected non-finite values");
  });
  suite.test("check_close: one wrong element among many right ones fails", [](Check& check) {
    std::vector<double> expected(100000, 1.0), found = expected;
    found[777] = 1.01;  // 3e-5 in norm
    Check inner;
    check.that(!check_close(inner, "x", found, expected, 1e-4), "the worst element must count");
    check.equal(inner.failures().size(), 1U, "failures noted");
  });
  suite.test("runner: failures, exceptions and tests without a check are failures", [](Check& check) {
    Totals totals;
    check.that(report_of([](Check& c) { c.that(true); }, &totals).find("\nok 1 - suite/test") != std::string::npos,
               "ok");
    check.equal(totals.passed, 1, "passed");
    const std::string failed = report_of([](Check& c) { c.equal(1, 2, "one"); }, &totals);
    check.that(failed.find("not ok 1 - suite/test\n  # one: found 1, expected 2") != std::string::npos, failed);
    check.that(failed.ends_with("1..1\n0 passed, 1 failed, 0 skipped\n"), "summary in ", failed);
    report_of([](Check&) { throw Error(Code::shape, "bad"); }, &totals);
    check.equal(totals.failed, 1, "failed by an exception");
    report_of([](Check&) {}, &totals);
    check.equal(totals.failed, 1, "failed for lack of checks");
  });
  suite.test("check.throws: wants that code and no other", [](Check& check) {
    Check inner;
    inner.throws(Code::shape, "right", [] { throw Error(Code::shape, ""); });
    check.equal(inner.failures().size(), 0U, "right code");
    inner.throws(Code::shape, "wrong", [] { throw Error(Code::dtype, ""); });
    inner.throws(Code::shape, "none", [] {});
    check.equal(inner.failures().size(), 2U, "wrong code and no exception");
  });
}

}  // namespace gyrus::tests::suites
