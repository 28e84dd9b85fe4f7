#include "tests/goldens/golden_fill.h"

#include <cmath>
#include <cstddef>

#include "core/philox.h"

namespace gyrus::tests {
namespace {

constexpr std::size_t kSigns = 8, kChunk = 1 << 16;

std::size_t size_of_shape(const Shape& shape) { return static_cast<std::size_t>(shape.elements()); }

// Products of values[first, …kChunk) with the sign vectors, and the sum of squares in front.
template <class T>
Fingerprint chunk_sums(const Philox& generator, std::span<const T> values, std::size_t first) {
  Fingerprint sums{};
  const std::size_t last = std::min(values.size(), first + kChunk);
  for (std::size_t block = first; block < last; block += 4) {
    const auto words = generator.block(block / 4);
    for (std::size_t i = block; i < std::min(last, block + 4); ++i) {
      const auto value = static_cast<double>(values[i]);
      const std::uint32_t bits = words[i - block];
      sums[0] += value * value;
      for (std::size_t j = 0; j < kSigns; ++j) sums[1 + j] += ((bits >> j) & 1U) != 0 ? value : -value;
    }
  }
  return sums;
}

template <class T>
Fingerprint fingerprint_of(const std::string& name, std::span<const T> values) {
  const Philox generator{kGoldenSeed, stream_of("signs/" + name)};
  const std::size_t chunks = (values.size() + kChunk - 1) / kChunk;
  std::vector<Fingerprint> parts(chunks);
#pragma omp parallel for schedule(static)
  for (std::size_t c = 0; c < chunks; ++c) parts[c] = chunk_sums(generator, values, c * kChunk);
  Fingerprint total{};
  for (const Fingerprint& part : parts) {
    for (std::size_t j = 0; j < total.size(); ++j) total[j] += part[j];
  }
  total[0] = std::sqrt(total[0]);
  return total;
}

}  // namespace

std::vector<float> golden_uniform(const std::string& name, std::int64_t count) {
  const Philox generator{kGoldenSeed, stream_of(name)};
  std::vector<float> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); i += 4) {
    const auto words = generator.block(i / 4);
    for (std::size_t k = i; k < std::min(values.size(), i + 4); ++k)
      values[k] = 2.0F * Philox::unit(words[k - i]) - 1.0F;
  }
  return values;
}

std::vector<double> golden_coarse(const std::string& name, std::int64_t count) {
  const Philox generator{kGoldenSeed, stream_of(name)};
  std::vector<double> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = (2.0 * static_cast<double>(generator.bits(i) >> 24) - 255.0) / 256.0;
  }
  return values;
}

std::vector<float> golden_parameter(const std::string& name, const Shape& shape, const std::string& last_norm) {
  std::vector<float> values = golden_uniform(name, shape.elements());
  const bool is_batch_norm = name.find("bn") != std::string::npos || name.find("downsample.1") != std::string::npos;
  const auto map = [&values](auto&& f) {
    for (float& u : values) u = f(u);
  };
  if (name.ends_with("running_mean")) {
    map([](float u) { return 0.1F * u; });
  } else if (name.ends_with("running_var")) {
    map([](float u) { return 1.0F + 0.5F * u; });
  } else if (shape.rank() > 1) {
    const auto fan_in = static_cast<double>(shape.elements() / shape[0]);
    const auto scale = static_cast<float>(std::sqrt(3.0 / fan_in));
    map([scale](float u) { return scale * u; });
  } else if (is_batch_norm && name.ends_with("weight")) {
    map([](float u) { return 0.5F + 0.125F * u; });
  } else if (is_batch_norm) {
    const bool ends_block = name.find(last_norm) != std::string::npos || name.find("downsample") != std::string::npos;
    map([edge = ends_block ? -0.875F : 0.0F](float u) { return (u < edge ? -1.5F : 1.5F) + 0.25F * u; });
  } else if (name.ends_with("weight")) {
    map([](float u) { return 1.0F + 0.25F * u; });
  } else {
    map([](float u) { return 0.1F * u; });
  }
  return values;
}

std::vector<float> golden_image(const std::string& name, const Shape& shape) {
  constexpr std::int64_t kSquare = 32;
  std::vector<float> values = golden_uniform(name, shape.elements());
  const std::int64_t height = shape[2], width = shape[3];
  const std::int64_t rows = (height + kSquare - 1) / kSquare, columns = (width + kSquare - 1) / kSquare;
  const std::vector<float> squares = golden_uniform(name + ".squares", shape[0] * shape[1] * rows * columns);
  for (std::size_t i = 0; i < size_of_shape(shape); ++i) {
    const auto at = static_cast<std::int64_t>(i);
    const std::int64_t w = at % width, h = at / width % height, plane = at / width / height;
    values[i] += squares[static_cast<std::size_t>((plane * rows + h / kSquare) * columns + w / kSquare)];
  }
  return values;
}

Fingerprint fingerprint(const std::string& name, std::span<const float> values) { return fingerprint_of(name, values); }
Fingerprint fingerprint(const std::string& name, std::span<const double> values) {
  return fingerprint_of(name, values);
}

double fingerprint_error(const Fingerprint& found, std::span<const double, 9> expected) {
  double squares = 0;
  for (std::size_t j = 1; j <= kSigns; ++j) squares += (found[j] - expected[j]) * (found[j] - expected[j]);
  return std::sqrt(squares / kSigns) / expected[0];
}

}  // namespace gyrus::tests
