// Finding NaN and infinity.
#include "io/finite.h"

#include <cmath>
#include <limits>
#include <vector>

#include "tests/harness/suites.h"
#include "tests/io/scratch.h"

namespace gyrus::tests::suites {

void io_finite(Suite& suite) {
  suite.test("the first one is found wherever it stands", [](Check& check) {
    check.equal(io::find_non_finite({}), -1, "in nothing");
    std::vector<float> values(9001, std::numeric_limits<float>::max());
    values[17] = std::numeric_limits<float>::denorm_min();
    check.equal(io::find_non_finite(values), -1, "in large and small finite numbers");
    for (const float bad : {NAN, -NAN, INFINITY, -INFINITY, std::numeric_limits<float>::signaling_NaN()}) {
      for (const std::size_t at : {0U, 1U, 4095U, 4096U, 8192U, 9000U}) {
        const float good = std::exchange(values[at], bad);
        check.equal(io::find_non_finite(values), static_cast<std::int64_t>(at), "index");
        values[at] = good;
      }
    }
    values[5000] = values[4500] = NAN;
    check.equal(io::find_non_finite(values), 4500, "the first of two");
  });
  suite.test("the message names file, tensor, place and value", [](Check& check) {
    std::vector<float> values(12);
    io::check_finite(values, Shape{3, 2, 2}, "w.safetensors", "fc.bias");
    values[7] = -INFINITY;
    const std::string message = check.throws(Code::non_finite, "minus infinity", [&] {
      io::check_finite(values, Shape{3, 2, 2}, "w.safetensors", "fc.bias");
    });
    for (const std::string_view part :
         {"w.safetensors", "\"fc.bias\"", "[3, 2, 2]", "-infinity", "[1, 1, 1]", "element 7"}) {
      check.that(contains(message, part), part, " is not in: ", message);
    }
    values[7] = NAN;
    const std::string nan =
        check.throws(Code::non_finite, "NaN", [&] { io::check_finite(values, Shape{12}, "w", "t"); });
    check.that(contains(nan, "holds NaN at index [7]"), nan);
  });
}

}  // namespace gyrus::tests::suites
