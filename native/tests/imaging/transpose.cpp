// Transposing against a plain loop: every type, sizes about those of blocks and lines, gaps between rows that must stay
// as they are.
#include "imaging/transpose.h"

#include <string>
#include <vector>

#include "tests/harness/suites.h"
#include "tests/imaging/simd_targets.h"

namespace gyrus::tests::suites {
namespace {

template <class T>
void check_size(Check& check, std::int64_t rows, std::int64_t columns, std::string_view name) {
  const std::int64_t from_step = columns + 3, to_step = rows + 2;
  std::vector<T> from(static_cast<std::size_t>(rows * from_step)), to(static_cast<std::size_t>(columns * to_step), 7);
  std::uint32_t state = 1;
  for (T& x : from) x = static_cast<T>((state = state * 1664525 + 1013904223) >> 24);
  std::vector<T> wanted = to;
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t column = 0; column < columns; ++column) {
      wanted[static_cast<std::size_t>(column * to_step + row)] =
          from[static_cast<std::size_t>(row * from_step + column)];
    }
  }
  imaging::transpose({from.data(), from_step}, rows, columns, {to.data(), to_step});
  check.that(to == wanted, name, ": ", rows, " x ", columns, " of ", sizeof(T), " bytes");
}

}  // namespace

void imaging_transpose(Suite& suite) {
  suite.test("every type and size, on every instruction set", [](Check& check) {
    for_each_simd_target([&](std::string_view name) {
      for (const std::int64_t rows : {0, 1, 3, 4, 5, 8, 15, 16, 17, 31, 32, 33, 64, 70, 129}) {
        for (const std::int64_t columns : {0, 1, 2, 4, 7, 8, 9, 16, 19, 32, 37, 64, 65}) {
          check_size<std::uint8_t>(check, rows, columns, name);
          check_size<std::uint16_t>(check, rows, columns, name);
          check_size<float>(check, rows, columns, name);
        }
      }
    });
  });
}

}  // namespace gyrus::tests::suites
