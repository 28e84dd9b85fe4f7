#include "nn/init.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

#include "core/error.h"
#include "core/philox.h"

namespace gyrus::nn {
namespace {

constexpr std::int64_t kChunk = 4096;  // elements drawn at a time: small enough for the first-level cache

// Calls fill(first, part) for consecutive parts of `out`, on all threads. `first` is a multiple of kChunk.
template <class Fill>
void for_each_chunk(std::span<float> out, const Fill& fill) {
  const auto count = static_cast<std::int64_t>(out.size());
#pragma omp parallel for schedule(static)
  for (std::int64_t first = 0; first < count; first += kChunk) {
    fill(first,
         out.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(std::min(kChunk, count - first))));
  }
}

// Words [first, first + kChunk) of a generator; `first` is a multiple of 4.
using Words = std::array<std::uint32_t, kChunk>;
void draw(const Philox& generator, std::int64_t first, Words& words) {
  for (std::size_t at = 0; at < words.size(); at += 4) {
    const auto block = generator.block((static_cast<std::uint64_t>(first) + at) / 4);
    std::ranges::copy(block, words.begin() + static_cast<std::ptrdiff_t>(at));
  }
}

void fill_uniform(const Philox& generator, float scale, std::span<float> out) {
  for_each_chunk(out, [&](std::int64_t first, std::span<float> part) {
    Words words;
    draw(generator, first, words);
    for (std::size_t i = 0; i < part.size(); ++i) part[i] = (2.0F * Philox::unit(words[i]) - 1.0F) * scale;
  });
}

void fill_normal(const Philox& generator, float scale, std::span<float> out) {
  for_each_chunk(out, [&](std::int64_t first, std::span<float> part) {
    Words words;
    draw(generator, first, words);
    std::array<float, kChunk> normal;
    for (std::size_t i = 0; i < words.size(); i += 2) {
      const NormalPair pair = box_muller(words[i], words[i + 1]);
      normal[i] = pair.first;
      normal[i + 1] = pair.second;
    }
    for (std::size_t i = 0; i < part.size(); ++i) part[i] = scale * normal[i];
  });
}

// Of positions 0, 1, ...: [sin(p w), cos(p w)], each of `quarter` numbers, with w as below.
std::vector<float> sin_cos(std::size_t positions, std::size_t quarter) {
  std::vector<float> halves(positions * 2 * quarter);
  for (std::size_t position = 0; position < positions; ++position) {
    float* const half = &halves[position * 2 * quarter];
    for (std::size_t i = 0; i < quarter; ++i) {
      const double w = std::pow(10000.0, -static_cast<double>(i) / static_cast<double>(quarter));
      const double angle = static_cast<double>(position) * w;
      half[i] = static_cast<float>(std::sin(angle));
      half[quarter + i] = static_cast<float>(std::cos(angle));
    }
  }
  return halves;
}

// Row 1 + r * grid_width + c holds [sin(r w), cos(r w), sin(c w), cos(c w)], each of D/4 numbers, with
// w_i = 10000^(-i / (D/4)); row 0, the class token's, is zero.
void fill_sin_cos_2d(const graph::ParameterSpec& spec, std::span<float> out) {
  GYRUS_CHECK(spec.shape.rank() == 3 && spec.shape.back() % 4 == 0 && spec.grid_width > 0 &&
                  (spec.shape[1] - 1) % spec.grid_width == 0,
              Code::shape, "the position embedding '", spec.name, "' ", spec.shape, " must be [1, 1 + rows * ",
              spec.grid_width, ", a multiple of 4]");
  const auto width = static_cast<std::size_t>(spec.shape.back()), half = width / 2;
  const auto grid_width = static_cast<std::size_t>(spec.grid_width);
  const std::size_t patches = static_cast<std::size_t>(spec.shape[1]) - 1;
  // A row and a column of the same number have the same half: a large image has far fewer of them than patches.
  const std::vector<float> halves = sin_cos(std::max(grid_width, patches / grid_width), half / 2);
  std::ranges::fill(out.first(width), 0.0F);
  for (std::size_t patch = 0; patch < patches; ++patch) {
    float* const row = &out[(patch + 1) * width];
    std::copy_n(&halves[patch / grid_width * half], half, row);
    std::copy_n(&halves[patch % grid_width * half], half, row + half);
  }
}

}  // namespace

void initialize(const graph::ParameterSpec& spec, std::uint64_t seed, std::span<float> out) {
  GYRUS_CHECK(spec.shape.elements() == static_cast<std::int64_t>(out.size()), Code::shape, "'", spec.name, "' is ",
              spec.shape, " but room for ", out.size(), " elements was given");
  const Philox generator{.seed = seed, .stream = stream_of(spec.name)};
  switch (spec.init) {
    case graph::InitKind::constant:
      std::ranges::fill(out, spec.scale);
      return;
    case graph::InitKind::uniform:
      fill_uniform(generator, spec.scale, out);
      return;
    case graph::InitKind::normal:
      fill_normal(generator, spec.scale, out);
      return;
    case graph::InitKind::sin_cos_2d:
      fill_sin_cos_2d(spec, out);
      return;
  }
}

}  // namespace gyrus::nn
