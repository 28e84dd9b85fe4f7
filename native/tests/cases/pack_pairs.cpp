// Weights into the order of oneDNN's bf16 kernels and gradients out of the order of its f32 ones, against the
// definitions. Arrays are as long as they must be: the sanitizers see a read beyond them.
#include "backend/cpu/simd/pack_pairs.h"

#include <cstring>
#include <string>
#include <vector>

#include "backend/cpu/simd/supported_targets.h"
#include "backend/cpu/simd/unblock.h"
#include "core/dtype.h"
#include "core/philox.h"
#include "tests/harness/suites.h"

namespace gyrus::tests::suites {
namespace {

using backend::cpu::BlockedShape;
using backend::cpu::PairsShape;

constexpr const char* kTooShort = "the vectors of this CPU are shorter than sixteen f32";

std::vector<float> random(std::int64_t count) {
  std::vector<float> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = Philox{5, 7}.uniform(i) * 2 - 1;
  return values;
}

template <class From, class To>
void run(backend::Kernel& kernel, std::vector<From>& from, std::vector<To>& to) {
  void* const in = from.data();
  void* const out = to.data();
  kernel.bind({std::span(&in, 1), std::span(&out, 1), nullptr, nullptr, {}});
  kernel.run();
}

std::vector<bf16_t> packed_by_definition(const PairsShape& s, const std::vector<float>& w) {
  std::vector<bf16_t> packed(static_cast<std::size_t>(s.bytes() / 2), to_bf16(0.0F));
  for (std::int64_t row = 0; row < s.rows; ++row) {
    for (std::int64_t column = 0; column < s.columns; ++column) {
      const std::int64_t side = s.has_rows_side_by_side ? row : column;
      const std::int64_t other = s.has_rows_side_by_side ? column : row;
      for (std::int64_t tap = 0; tap < s.taps; ++tap) {
        const std::int64_t pair = (side / s.block * s.taps + tap) * s.pairs + other / 2;
        packed[static_cast<std::size_t>((pair * s.block + side % s.block) * 2 + other % 2)] =
            to_bf16(w[static_cast<std::size_t>((row * s.columns + column) * s.taps + tap)]);
      }
    }
  }
  return packed;
}

void test_pack(Suite& suite, const std::string& name, const PairsShape& shape) {
  if (!can_pack_pairs(shape)) return suite.skip(name, kTooShort);
  suite.test(name, [shape](Check& check) {
    std::vector<float> w = random(shape.rows * shape.columns * shape.taps);
    const std::vector<bf16_t> wanted = packed_by_definition(shape, w);
    for (const int threads : {1, 3}) {
      std::vector<bf16_t> packed(wanted.size(), to_bf16(-7.0F));
      run(*make_pack_pairs(shape, threads), w, packed);
      check.that(std::memcmp(packed.data(), wanted.data(), wanted.size() * sizeof(bf16_t)) == 0, threads, " threads");
    }
  });
}

void test_unblock(Suite& suite, const std::string& name, const BlockedShape& shape) {
  if (!backend::cpu::has_long_vectors()) return suite.skip(name, kTooShort);
  suite.test(name, [shape](Check& check) {
    std::vector<float> blocked = random(shape.rows * shape.columns * shape.taps), wanted(blocked.size());
    for (std::int64_t row = 0; row < shape.rows; ++row) {
      for (std::int64_t column = 0; column < shape.columns; ++column) {
        for (std::int64_t tap = 0; tap < shape.taps; ++tap) {
          const std::int64_t square = (row / 16 * (shape.columns / 16) + column / 16) * shape.taps + tap;
          wanted[static_cast<std::size_t>((row * shape.columns + column) * shape.taps + tap)] =
              blocked[static_cast<std::size_t>((square * 16 + column % 16) * 16 + row % 16)];
        }
      }
    }
    for (const int threads : {1, 3}) {
      std::vector<float> plain(wanted.size(), -7.0F);
      run(*make_unblock(shape, threads), blocked, plain);
      check.that(plain == wanted, threads, " threads");
    }
  });
}

}  // namespace

void pack_pairs(Suite& suite) {
  test_pack(suite, "rows of a 1x1 convolution", {128, 96, 1, true, 64, 48});
  test_pack(suite, "rows of a 3x3 convolution", {64, 80, 9, true, 32, 40});
  test_pack(suite, "rows of a 7x7 convolution of three channels, padded to four", {64, 3, 49, true, 16, 2});
  test_pack(suite, "rows that do not fill the last block, odd columns", {83, 35, 9, true, 48, 18});
  test_pack(suite, "rows of a product whose depth is padded to 32", {70, 50, 1, true, 64, 32});
  test_pack(suite, "columns of a 1x1 convolution", {96, 128, 1, false, 64, 48});
  test_pack(suite, "columns of a 3x3 convolution", {80, 64, 9, false, 32, 40});
  test_pack(suite, "columns that do not fill the last block, odd rows", {35, 83, 9, false, 48, 18});
  test_pack(suite, "columns of a product whose depth is padded to 32", {50, 70, 1, false, 64, 32});
  test_unblock(suite, "the gradient of a 1x1 convolution", {48, 64, 1});
  test_unblock(suite, "the gradient of a 3x3 convolution", {32, 48, 9});
  test_unblock(suite, "the gradient of a 5x5 convolution", {16, 16, 25});
}

}  // namespace gyrus::tests::suites
