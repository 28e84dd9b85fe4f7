#include "imaging/histogram.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace gyrus::imaging {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::size_t kTables = 4;
constexpr std::int64_t kMostCounted = 65535;  // elements that a table of 16-bit counts can always take

std::uint64_t load_word(const void* at) {
  std::uint64_t word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

// The four counts of one word's keys, which the subtraction of the least key has made indices.
inline void count_word(std::uint64_t word, std::uint16_t* tables, std::size_t bins) {
  ++tables[word & 0xffff];
  ++tables[bins + (word >> 16 & 0xffff)];
  ++tables[2 * bins + (word >> 32 & 0xffff)];
  ++tables[3 * bins + (word >> 48)];
}

void flush(std::vector<std::uint16_t>& tables, std::span<std::uint32_t> counts) {
  const std::size_t bins = counts.size();
  for (std::size_t bin = 0; bin < bins; ++bin) {
    counts[bin] += std::uint32_t{tables[bin]} + tables[bins + bin] + tables[2 * bins + bin] + tables[3 * bins + bin];
  }
  std::fill(tables.begin(), tables.end(), std::uint16_t{0});
}

template <class T>
std::int64_t area_of_others(const Runs<T>& runs, T background) {
  std::int64_t first = runs.count, last = -1;
  std::vector<std::uint8_t> is_column_used(static_cast<std::size_t>(runs.length));
  for (std::int64_t run = 0; run < runs.count; ++run) {
    const T* row = runs.data + run * runs.step;
    std::uint8_t is_used = 0;
    for (std::size_t i = 0; i < is_column_used.size(); ++i) {
      const auto is_other = static_cast<std::uint8_t>(row[i] != background);
      is_column_used[i] |= is_other;
      is_used |= is_other;
    }
    if (is_used == 0) continue;
    first = std::min(first, run);
    last = run;
  }
  if (last < 0) return 0;
  const auto left = std::find(is_column_used.begin(), is_column_used.end(), 1);
  const auto right = std::find(is_column_used.rbegin(), is_column_used.rend(), 1).base();
  return (last - first + 1) * (right - left);
}

}  // namespace

void KeyHistogram::count(const Runs<std::uint16_t>& runs, std::uint16_t sign, KeyRange range,
                         std::span<std::uint32_t> counts) {
  constexpr std::uint64_t kEvery = 0x0001000100010001;
  const std::size_t bins = counts.size();
  const std::uint64_t flip = sign * kEvery, least = range.least * kEvery;
  std::fill(counts.begin(), counts.end(), 0U);
  tables_.assign(kTables * bins, 0);
  std::uint16_t* tables = tables_.data();
  // Elements beyond the last whole word of a run all go to the first table.
  const std::int64_t flush_after = runs.length % 4 == 0 ? 4 * kMostCounted : kMostCounted;
  std::int64_t since_flush = 0;
  for (std::int64_t run = 0; run < runs.count; ++run) {
    const std::uint16_t* row = runs.data + run * runs.step;
    for (std::int64_t i = 0; i < runs.length;) {
      const std::int64_t end = std::min(runs.length, i + flush_after - since_flush);
      since_flush += end - i;
      for (; i + 4 <= end; i += 4) {
        // Each key is at least range.least, so no lane borrows from its neighbour.
        const std::uint64_t word = (load_word(row + i) ^ flip) - least;
        // Empty background: four of the least key.
        if (word == 0) {
          counts[0] += 4;
        } else {
          count_word(word, tables, bins);
        }
      }
      for (; i < end; ++i) ++tables[static_cast<std::size_t>((row[i] ^ sign) - range.least)];
      if (since_flush == flush_after) flush(tables_, counts), since_flush = 0;
    }
  }
  flush(tables_, counts);
}

void count_bytes(const Runs<std::uint8_t>& runs, std::uint8_t sign, std::span<std::uint32_t, 256> counts) {
  // Eight tables: one for each byte of a word.
  std::array<std::array<std::uint32_t, 256>, 8> tables{};
  for (std::int64_t run = 0; run < runs.count; ++run) {
    const std::uint8_t* row = runs.data + run * runs.step;
    std::int64_t i = 0;
    for (; i + 8 <= runs.length; i += 8) {
      const std::uint64_t word = load_word(row + i);
      if (word == 0) {
        tables[0][0] += 8;
        continue;
      }
      for (std::size_t byte = 0; byte < 8; ++byte) ++tables[byte][word >> (8 * byte) & 0xff];
    }
    for (; i < runs.length; ++i) ++tables[0][row[i]];
  }
  for (std::size_t bin = 0; bin < 256; ++bin) {
    std::uint32_t sum = 0;
    for (const auto& table : tables) sum += table[bin];
    counts[bin ^ sign] = sum;
  }
}

std::int64_t occupied_area(const Runs<std::uint8_t>& runs, std::uint8_t background) {
  return area_of_others(runs, background);
}
std::int64_t occupied_area(const Runs<std::uint16_t>& runs, std::uint16_t background) {
  return area_of_others(runs, background);
}
std::int64_t occupied_area(const Runs<float>& runs, float background) { return area_of_others(runs, background); }

}  // namespace gyrus::imaging
