// Shapes: counting, overflow, limits, and how they print.
#include <array>
#include <cstdint>

#include "core/shape.h"
#include "tests/harness/suites.h"

namespace gyrus::tests::suites {

void shape(Suite& suite) {
  suite.test("elements, rows and negative axes", [](Check& check) {
    const Shape image{2, 3, 5, 7};
    check.equal(image.elements(), 210, "elements");
    check.equal(image.rows(), 30, "rows");
    check.equal(image[-1], 7, "last extent");
    check.equal(image[-4], 2, "first extent from the end");
    check.equal(image.with_back(4), Shape({2, 3, 5, 4}), "another last extent");
    check.equal(Shape{}.elements(), 1, "elements of a scalar");
    check.equal(Shape({3, 0}).elements(), 0, "elements of an empty tensor");
    check.equal(Shape({3, 0}).rows(), 0, "rows of an empty tensor");
    check.equal(to_string(Shape{16, 224, 224, 3}), "[16, 224, 224, 3]", "text");
    check.equal(to_string(Shape{}), "[]", "text of a scalar");
  });
  suite.test("a count beyond int64 is an error, not a wrapped number", [](Check& check) {
    constexpr std::int64_t kBig = std::int64_t{1} << 32;
    check.equal(Shape({kBig, kBig / 4}).elements(), std::int64_t{1} << 62, "the largest power of two that fits");
    const std::string message = check.throws(Code::shape, "2^64 elements", [] {
      (void)Shape({kBig, kBig}).elements();
    });
    check.that(message.find("[4294967296, 4294967296]") != std::string::npos, "the message names the shape: ", message);
    check.throws(Code::shape, "2^63 elements", [] { (void)Shape({kBig, kBig / 2}).elements(); });
  });
  suite.test("bad extents, ranks and axes are errors", [](Check& check) {
    check.throws(Code::shape, "a negative extent", [] { (void)Shape({2, -1}); });
    check.throws(Code::shape, "six axes", [] { (void)Shape({1, 1, 1, 1, 1, 1}); });
    check.throws(Code::internal, "axis out of range", [] { (void)Shape({2})[1]; });
    check.throws(Code::internal, "negative axis out of range", [] { (void)Shape({2})[-2]; });
  });
}

}  // namespace gyrus::tests::suites
