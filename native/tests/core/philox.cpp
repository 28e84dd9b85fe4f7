// Philox4x32-10 against the known answers that Random123 publishes (kat_vectors), and the draws built upon it.
#include <array>
#include <cmath>
#include <cstdint>

#include "core/philox.h"
#include "tests/harness/suites.h"

namespace gyrus::tests::suites {
namespace {

using Words = std::array<std::uint32_t, 4>;

// The counter's words 0, 1 are the block's index and 2, 3 the stream; the key's words are the seed.
Words block(const Words& counter, std::uint32_t key0, std::uint32_t key1) {
  const auto join = [](std::uint32_t low, std::uint32_t high) { return std::uint64_t{high} << 32 | low; };
  return Philox{join(key0, key1), join(counter[2], counter[3])}.block(join(counter[0], counter[1]));
}

}  // namespace

void philox(Suite& suite) {
  suite.test("known answers of philox4x32-10", [](Check& check) {
    const auto same = [&](const Words& found, const Words& expected, std::string_view what) {
      for (std::size_t i = 0; i < 4; ++i) check.equal(found[i], expected[i], text(what, ", word ", i));
    };
    same(block({0, 0, 0, 0}, 0, 0), {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}, "zeros");
    same(block({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, 0xffffffff, 0xffffffff),
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}, "ones");
    same(block({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, 0xa4093822, 0x299f31d0),
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}, "digits of pi");
  });
  suite.test("uniform draws fill [0, 1) and no more", [](Check& check) {
    check.equal(Philox::unit(0), 0.0F, "smallest");
    check.equal(Philox::unit(0xffffffff), 1.0F - 0x1p-24F, "largest");
    const Philox generator{7, stream_of("uniform")};
    double sum = 0, squares = 0;
    constexpr int kCount = 100000;
    for (int i = 0; i < kCount; ++i) {
      const double value = generator.uniform(static_cast<std::uint64_t>(i));
      sum += value;
      squares += value * value;
    }
    // Five standard errors: sqrt(1/12 / n) of the mean, sqrt(4/45 / n) of the second moment.
    check.that(std::abs(sum / kCount - 0.5) < 5 * std::sqrt(1.0 / 12 / kCount), "mean ", sum / kCount);
    check.that(std::abs(squares / kCount - 1.0 / 3) < 5 * std::sqrt(4.0 / 45 / kCount), "second moment ",
               squares / kCount);
  });
  suite.test("normal draws have the moments of N(0, 1)", [](Check& check) {
    const Philox generator{7, stream_of("normal")};
    constexpr int kCount = 100000;
    double sum = 0, squares = 0, fourth = 0;
    for (int i = 0; i < kCount; ++i) {
      const double value = generator.normal(static_cast<std::uint64_t>(i));
      sum += value;
      squares += value * value;
      fourth += value * value * value * value;
    }
    // Five standard errors: 1/sqrt(n), sqrt(2/n), sqrt(96/n).
    check.that(std::abs(sum / kCount) < 5 / std::sqrt(kCount), "mean ", sum / kCount);
    check.that(std::abs(squares / kCount - 1) < 5 * std::sqrt(2.0 / kCount), "variance ", squares / kCount);
    check.that(std::abs(fourth / kCount - 3) < 5 * std::sqrt(96.0 / kCount), "fourth moment ", fourth / kCount);
  });
  suite.test("streams are named by FNV-1a", [](Check& check) {
    check.equal(stream_of(""), 0xcbf29ce484222325ULL, "empty");
    check.equal(stream_of("a"), 0xaf63dc4c8601ec8cULL, "a");
    check.equal(stream_of("foobar"), 0x85944171f73967e8ULL, "foobar");
  });
}

}  // namespace gyrus::tests::suites
