#include "tests/harness/tap.h"

#include <algorithm>
#include <cmath>
#include <ctime>
#include <exception>
#include <filesystem>

namespace gyrus::tests {
namespace {

// Tests that take longer say how long, so that whoever looks for time finds it.
constexpr double kTold = 0.5;

void print_diagnostic(std::ostream& out, std::string_view message) {
  out << "  # ";
  for (const char c : message) {
    out << c;
    if (c == '\n') out << "  # ";
  }
  out << '\n';
}

}  // namespace

std::string Check::throws(Code code, std::string_view what, const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    that(error.code() == code, what, ": threw ", code_name(error.code()), " (", error.message(), "), expected ",
         code_name(code));
    return error.message();
  }
  that(false, what, ": did not throw, expected ", code_name(code));
  return "";
}

bool Runner::is_wanted(const std::string& full_name) {
  const std::string& filter = options_.filter;
  const bool is_start = filter.starts_with('^');
  const std::size_t at = full_name.find(filter.substr(is_start ? 1 : 0));
  if (at == std::string::npos || (is_start && at != 0)) return false;
  const std::string suite = full_name.substr(0, full_name.find('/'));
  // A suite, or tests as "suite/start of a name".
  const auto fits = [&](const std::string& named) {
    return suite == named || (named.find('/') != std::string::npos && full_name.starts_with(named));
  };
  if (std::any_of(options_.without.begin(), options_.without.end(), fits)) return false;
  if (!options_.only.empty() && std::none_of(options_.only.begin(), options_.only.end(), fits)) return false;
  if (options_.is_list) out_ << full_name << '\n';
  return !options_.is_list && !is_taken_by_another();
}

// All processes see the same tests in the same order: each takes the next one whose folder it can make.
bool Runner::is_taken_by_another() {
  return !options_.share.empty() && !std::filesystem::create_directory(text(options_.share, '/', ++wanted_));
}

Check Runner::run(const std::function<void(Check&)>& body) {
  Check check;
  try {
    body(check);
    check.that(check.checks() > 0, "the test checked nothing");
  } catch (const Error& error) {
    check.that(false, "threw ", code_name(error.code()), ": ", error.message());
  } catch (const std::exception& error) {
    check.that(false, "threw ", error.what());
  }
  return check;
}

// The number of the test that begins now.
int Runner::begin() {
  const int done = totals_.passed + totals_.failed + totals_.skipped;
  if (done == 0) out_ << "TAP version 13\n";
  return done + 1;
}

void Runner::test(const std::string& full_name, const std::function<void(Check&)>& body) {
  if (!is_wanted(full_name)) return;
  const int number = begin();
  const std::clock_t started = std::clock();
  const Check check = run(body);
  const double seconds = static_cast<double>(std::clock() - started) / CLOCKS_PER_SEC;
  const bool has_passed = check.failures().empty();
  ++(has_passed ? totals_.passed : totals_.failed);
  out_ << (has_passed ? "ok " : "not ok ") << number << " - " << full_name;
  if (seconds >= kTold) out_ << " # " << std::round(10 * seconds) / 10 << " s of processor time";
  out_ << '\n';
  for (const std::string& failure : check.failures()) print_diagnostic(out_, failure);
  out_.flush();
}

void Runner::skip(const std::string& full_name, std::string_view reason) {
  if (!is_wanted(full_name)) return;
  out_ << "ok " << begin() << " - " << full_name << " # SKIP " << reason << '\n';
  ++totals_.skipped;
}

Totals Runner::finish() {
  if (options_.is_list) return totals_;
  out_ << "1.." << totals_.passed + totals_.failed + totals_.skipped << '\n';
  out_ << totals_.passed << " passed, " << totals_.failed << " failed, " << totals_.skipped << " skipped\n";
  return totals_;
}

}  // namespace gyrus::tests
