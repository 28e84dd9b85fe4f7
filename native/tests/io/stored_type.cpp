// Conversion of every stored type to f32 against arithmetic in double, and reading in chunks.
#include "io/stored_type.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "tests/harness/suites.h"
#include "tests/io/scratch.h"

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace gyrus::tests::suites {
namespace {

using io::StoredType;

template <class Stored>
std::vector<float> converted(StoredType type, const std::vector<Stored>& values) {
  std::vector<float> out(values.size());
  io::convert_to_f32(type, std::as_bytes(std::span(values)), out);
  return out;
}

// IEEE 754 binary16 from its definition.
double half_value(std::uint32_t bits) {
  const int exponent = static_cast<int>(bits >> 10U & 31U), mantissa = static_cast<int>(bits & 1023U);
  const double sign = (bits & 0x8000U) != 0 ? -1 : 1;
  if (exponent == 31) return mantissa == 0 ? sign * INFINITY : std::nan("");
  if (exponent == 0) return sign * std::ldexp(mantissa, -24);
  return sign * std::ldexp(1024 + mantissa, exponent - 25);
}

int wrong_halves() {
  std::vector<std::uint16_t> all(65536);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::uint16_t>(i);
  const std::vector<float> found = converted(StoredType::f16, all);
  int wrong = 0;
  for (std::uint32_t i = 0; i < 65536; ++i) {
    const double expected = half_value(i);
    const bool is_same = std::isnan(expected) ? std::isnan(found[i])
                                              : static_cast<double>(found[i]) == expected &&
                                                    std::signbit(found[i]) == std::signbit(expected);
    wrong += is_same ? 0 : 1;
  }
  return wrong;
}

void test_floats(Suite& suite) {
  suite.test("all 65536 halves are exact", [](Check& check) { check.equal(wrong_halves(), 0, "wrong halves"); });
#if defined(__SSE2__)
  suite.test("halves are exact while the CPU flushes subnormals", [](Check& check) {
    const unsigned before = _mm_getcsr();
    _mm_setcsr(before | 0x8040U);  // flush to zero, denormals are zero
    std::vector<std::uint16_t> smallest{1, 0x8001, 0x3FF};
    const std::vector<float> found = converted(StoredType::f16, smallest);
    _mm_setcsr(before);
    check.equal(found[0], 0x1p-24F, "the smallest half");
    check.equal(found[1], -0x1p-24F, "its negative");
    check.equal(found[2], 1023 * 0x1p-24F, "the largest subnormal");
  });
#endif
  suite.test("all 65536 bf16 keep their bits", [](Check& check) {
    std::vector<std::uint16_t> all(65536);
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::uint16_t>(i);
    const std::vector<float> found = converted(StoredType::bf16, all);
    int wrong = 0;
    for (std::uint32_t i = 0; i < 65536; ++i) wrong += std::bit_cast<std::uint32_t>(found[i]) == i << 16U ? 0 : 1;
    check.equal(wrong, 0, "wrong values");
  });
  suite.test("f64 rounds to nearest even and overflows to infinity", [](Check& check) {
    const auto found = converted<double>(StoredType::f64, {0.1, 1 + 0x1p-24, 1 + 0x3p-24, -1e300, 0x1p-149, 0x1p-151});
    const std::vector<float> expected{0.1F, 1.0F, 1 + 0x1p-22F, -INFINITY, 0x1p-149F, 0.0F};
    check.that(found == expected, "rounded wrongly");
  });
}

void test_integers(Suite& suite) {
  suite.test("integers at their limits", [](Check& check) {
    using std::numeric_limits;
    const auto i64 = converted<std::int64_t>(StoredType::i64, {numeric_limits<std::int64_t>::min(), -1, 16777217});
    check.that(i64 == std::vector<float>({-0x1p63F, -1.0F, 16777216.0F}), "i64");
    const auto u64 = converted<std::uint64_t>(StoredType::u64, {numeric_limits<std::uint64_t>::max(), 0});
    check.that(u64 == std::vector<float>({0x1p64F, 0.0F}), "u64");
    const auto i32 = converted<std::int32_t>(StoredType::i32, {numeric_limits<std::int32_t>::min(), 16777219});
    check.that(i32 == std::vector<float>({-0x1p31F, 16777220.0F}), "i32");
    const auto u32 = converted<std::uint32_t>(StoredType::u32, {numeric_limits<std::uint32_t>::max(), 3});
    check.that(u32 == std::vector<float>({0x1p32F, 3.0F}), "u32");
    const auto i16 = converted<std::int16_t>(StoredType::i16, {-32768, 32767});
    check.that(i16 == std::vector<float>({-32768.0F, 32767.0F}), "i16");
    const auto u16 = converted<std::uint16_t>(StoredType::u16, {65535, 0});
    check.that(u16 == std::vector<float>({65535.0F, 0.0F}), "u16");
    const auto i8 = converted<std::int8_t>(StoredType::i8, {-128, 127});
    check.that(i8 == std::vector<float>({-128.0F, 127.0F}), "i8");
    const auto u8 = converted<std::uint8_t>(StoredType::u8, {255, 0});
    check.that(u8 == std::vector<float>({255.0F, 0.0F}), "u8");
    const auto boolean = converted<std::uint8_t>(StoredType::boolean, {0, 1, 255});
    check.that(boolean == std::vector<float>({0.0F, 1.0F, 1.0F}), "boolean");
  });
  suite.test("a size that does not fit is a defect, not an overrun", [](Check& check) {
    const std::vector<std::byte> bytes(7);
    std::vector<float> out(2);
    check.throws(Code::internal, "7 bytes for 2 x f32", [&] { io::convert_to_f32(StoredType::f32, bytes, out); });
  });
}

}  // namespace

void io_stored_type(Suite& suite) {
  test_floats(suite);
  test_integers(suite);
  suite.test("names and sizes", [](Check& check) {
    for (const std::string_view name :
         {"F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U64", "U32", "U16", "U8", "BOOL"}) {
      const auto type = io::type_of_safetensors(name);
      if (check.that(type.has_value(), name, " is unknown")) check.equal(io::safetensors_name(*type), name, "name");
    }
    check.that(!io::type_of_safetensors("F8_E4M3") && !io::type_of_safetensors("f32"), "unknown names were known");
    check.equal(io::size_of(StoredType::bf16), 2, "bytes of bf16");
    check.equal(io::size_of(StoredType::i64), 8, "bytes of i64");
    check.that(io::is_floating(StoredType::bf16) && !io::is_floating(StoredType::u16), "floating");
  });
  suite.test("chunks join without a seam", [](Check& check) {
    std::vector<std::uint16_t> values(300'001);  // more than two chunks, the last one odd
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::uint16_t>(i * 7 + i / 1000);
    std::string image = "x";  // elements at an odd address
    image.append(reinterpret_cast<const char*>(values.data()), values.size() * 2);
    const io::InputFile file(bytes_of(image), "memory");
    std::vector<float> out(values.size());
    io::read_as_f32(file, StoredType::u16, 1, out);
    int wrong = 0;
    for (std::size_t i = 0; i < values.size(); ++i) wrong += out[i] == static_cast<float>(values[i]) ? 0 : 1;
    check.equal(wrong, 0, "wrong elements");
  });
}

}  // namespace gyrus::tests::suites
