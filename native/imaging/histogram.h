// Histograms of unsigned keys: what percentiles and entropies are made of.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace gyrus::imaging {

// Rows of elements in memory, as a slice lies in its volume.
template <class T>
struct Runs {
  const T* data = nullptr;
  std::int64_t count = 0, length = 0, step = 0;  // `length` elements each, `step` elements from one to the next
};

struct KeyRange {
  std::uint16_t least = 0, most = 0;
};

// The smallest and the largest key (element XOR sign). Reads every element once. The runs must not be empty.
KeyRange key_range(const Runs<std::uint16_t>& runs, std::uint16_t sign);

// counts[key - range.least] is the number of elements with that key; `counts` is resized. About one store an element,
// to four tables in turn: a table that is written twice in a row makes the second wait for the first.
class KeyHistogram {
 public:
  void count(const Runs<std::uint16_t>& runs, std::uint16_t sign, KeyRange range, std::span<std::uint32_t> counts);

 private:
  std::vector<std::uint16_t> tables_;
};

// counts[256] of bytes XOR sign.
void count_bytes(const Runs<std::uint8_t>& runs, std::uint8_t sign, std::span<std::uint32_t, 256> counts);

// The area in elements of the smallest rectangle that holds every element unequal to `background`.
std::int64_t occupied_area(const Runs<std::uint8_t>& runs, std::uint8_t background);
std::int64_t occupied_area(const Runs<std::uint16_t>& runs, std::uint16_t background);
std::int64_t occupied_area(const Runs<float>& runs, float background);

}  // namespace gyrus::imaging
