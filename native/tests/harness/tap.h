// Runs tests and reports them as TAP (Test Anything Protocol 13) on a stream, with a plain summary line at the end.
// A suite is a function void(Suite&) that calls suite.test(name, body) once a test; the list of suites is suites.h.
#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.h"

namespace gyrus::tests {

// What one test found wrong. A test passes when its body returns with no failure noted and made at least one check.
class Check {
 public:
  // Notes a failure unless the condition holds; gives the condition back, so that a test can stop early.
  template <class... Parts>
  bool that(bool condition, const Parts&... message) {
    ++checks_;
    if (!condition) failures_.push_back(text("", message...));
    return condition;
  }

  // Found and expected must be printable.
  template <class A, class B>
  bool equal(const A& found, const B& expected, std::string_view what) {
    return that(found == expected, what, ": found ", found, ", expected ", expected);
  }

  // The call must throw gyrus::Error with that code; gives back its message ("" if it did not).
  std::string throws(Code code, std::string_view what, const std::function<void()>& call);

  int checks() const { return checks_; }
  const std::vector<std::string>& failures() const { return failures_; }

 private:
  int checks_ = 0;
  std::vector<std::string> failures_;
};

struct RunOptions {
  std::string filter;               // run only tests whose full name ("suite/test") contains it; "^…": begins with it
  std::vector<std::string> only{};  // suites, if any are named: no others run
  std::vector<std::string> without{};  // suites that are left out
  bool is_list = false;                // print the names, run nothing
  // An empty folder: processes that are given the same one divide the tests among themselves.
  std::string share{};
};

struct Totals {
  int passed = 0, failed = 0, skipped = 0;
};

class Runner {
 public:
  Runner(std::ostream& out, RunOptions options) : out_(out), options_(std::move(options)) {}

  void test(const std::string& full_name, const std::function<void(Check&)>& body);
  void skip(const std::string& full_name, std::string_view reason);
  // Prints the plan and the summary.
  Totals finish();

 private:
  bool is_wanted(const std::string& full_name);
  bool is_taken_by_another();
  Check run(const std::function<void(Check&)>& body);
  int begin();

  std::ostream& out_;
  RunOptions options_;
  Totals totals_;
  int wanted_ = 0;  // tests so far that are to run here or in a process that shares them
};

// One suite's view of the runner: prefixes its tests' names.
class Suite {
 public:
  Suite(Runner& runner, std::string name) : runner_(runner), name_(std::move(name)) {}

  void test(std::string_view name, const std::function<void(Check&)>& body) { runner_.test(full(name), body); }
  void skip(std::string_view name, std::string_view reason) { runner_.skip(full(name), reason); }

 private:
  std::string full(std::string_view name) const { return text(name_, "/", name); }

  Runner& runner_;
  std::string name_;
};

}  // namespace gyrus::tests
