// bf16 conversion: round to nearest even, NaN stays NaN, infinities and signs survive.
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "core/dtype.h"
#include "core/philox.h"
#include "tests/harness/suites.h"

namespace gyrus::tests::suites {
namespace {

std::uint16_t bf16_bits(std::uint32_t float_bits) { return to_bf16(std::bit_cast<float>(float_bits)).bits; }

}  // namespace

void dtype(Suite& suite) {
  suite.test("bf16 rounds to nearest, ties to even", [](Check& check) {
    check.equal(bf16_bits(0x3f800000), 0x3f80, "1");
    check.equal(bf16_bits(0x3f807fff), 0x3f80, "just below the tie rounds down");
    check.equal(bf16_bits(0x3f808000), 0x3f80, "a tie goes to the even neighbour below");
    check.equal(bf16_bits(0x3f808001), 0x3f81, "just above the tie rounds up");
    check.equal(bf16_bits(0x3f818000), 0x3f82, "a tie goes to the even neighbour above");
    check.equal(bf16_bits(0xbf818000), 0xbf82, "the same with a sign");
    check.equal(bf16_bits(0x3fffffff), 0x4000, "a carry moves into the exponent");
    check.equal(bf16_bits(0x7f7fffff), 0x7f80, "the largest float rounds to infinity");
    check.equal(bf16_bits(0x00000001), 0x0000, "the smallest subnormal rounds to zero");
    check.equal(bf16_bits(0x00018000), 0x0002, "subnormals round as well");
    check.equal(bf16_bits(0x80000000), 0x8000, "minus zero");
  });
  suite.test("bf16 keeps NaN and infinities", [](Check& check) {
    check.equal(bf16_bits(0x7f800000), 0x7f80, "infinity");
    check.equal(bf16_bits(0xff800000), 0xff80, "minus infinity");
    check.that(std::isnan(to_float(to_bf16(std::numeric_limits<float>::quiet_NaN()))), "quiet NaN");
    // A NaN whose payload lies in the lost half must not become an infinity.
    check.equal(bf16_bits(0x7f800001), 0x7fc0, "NaN with a low payload");
    check.equal(bf16_bits(0xffffffff), 0xffff, "NaN of all ones does not carry into the sign");
  });
  suite.test("every bf16 survives the way to float and back", [](Check& check) {
    int wrong = 0;
    for (std::uint32_t bits = 0; bits <= 0xffff; ++bits) {
      const float value = to_float({static_cast<std::uint16_t>(bits)});
      if (!std::isnan(value) && to_bf16(value).bits != bits) ++wrong;
    }
    check.equal(wrong, 0, "values that changed");
  });
  suite.test("bf16 is the nearest of its neighbours", [](Check& check) {
    const Philox generator{1, stream_of("bf16")};
    int wrong = 0;
    for (std::uint64_t i = 0; i < 20000; ++i) {
      const float value = generator.normal(i);
      const bf16_t rounded = to_bf16(value);
      const double error = std::abs(double{to_float(rounded)} - value);
      for (const int step : {-1, 1}) {
        const bf16_t neighbour{static_cast<std::uint16_t>(rounded.bits + step)};
        if (std::abs(double{to_float(neighbour)} - value) < error) ++wrong;
      }
    }
    check.equal(wrong, 0, "values with a nearer neighbour");
  });
  suite.test("sizes and names of the element types", [](Check& check) {
    check.equal(size_of(DType::bf16), 2, "bf16");
    check.equal(size_of(DType::f32), 4, "f32");
    check.equal(size_of(DType::f64), 8, "f64");
    check.equal(size_of(DType::i32), 4, "i32");
    check.equal(size_of(DType::u8), 1, "u8");
    check.equal(name_of(DType::bf16), "bf16", "name");
  });
}

}  // namespace gyrus::tests::suites
