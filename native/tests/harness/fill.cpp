#include "tests/harness/fill.h"

#include <cstddef>

#include "core/dtype.h"
#include "core/philox.h"

namespace gyrus::tests {
namespace {

constexpr std::uint64_t kSeed = 20240229;

float draw(const Philox& philox, std::uint64_t index, Fill fill) {
  switch (fill) {
    case Fill::normal:
      return philox.normal(index);
    case Fill::small:
      return 0.1F * philox.normal(index);
    case Fill::around_one:
      return 1.0F + 0.1F * philox.normal(index);
    case Fill::positive:
      return 0.5F + philox.uniform(index);
    case Fill::small_integers:
      return static_cast<float>(philox.bits(index) % 3) - 1.0F;
    case Fill::zero:
      return 0.0F;
  }
  return 0.0F;
}

}  // namespace

std::vector<double> fill_values(std::string_view name, std::int64_t count, Fill fill, bool rounds_to_bf16) {
  const Philox philox{kSeed, stream_of(name)};
  std::vector<double> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const float value = draw(philox, i, fill);
    values[i] = rounds_to_bf16 ? to_float(to_bf16(value)) : value;
  }
  return values;
}

std::vector<std::int32_t> fill_labels(std::string_view name, std::int64_t count, std::int64_t classes) {
  const Philox philox{kSeed, stream_of(name)};
  std::vector<std::int32_t> labels(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<std::int32_t>(philox.bits(i) % classes);
  return labels;
}

}  // namespace gyrus::tests
