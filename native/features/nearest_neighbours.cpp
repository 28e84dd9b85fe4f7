#include "features/nearest_neighbours.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/error.h"
#include "features/dot_rows.h"

namespace gyrus::features {
namespace {

// Rows that are multiplied at a time: a block of the bank stays in the second cache, its products in the first.
constexpr std::size_t kQueryRows = 32, kBankRows = 128;

std::vector<float> unit_rows(std::span<const float> rows, std::size_t dim, const char* name) {
  std::vector<float> unit(rows.begin(), rows.end());
  for (std::size_t at = 0; at < unit.size(); at += dim) {
    double squares = 0;
    for (std::size_t i = 0; i < dim; ++i)
      squares += static_cast<double>(unit[at + i]) * static_cast<double>(unit[at + i]);
    GYRUS_CHECK(std::isfinite(squares), Code::non_finite, "row ", at / dim, " of the ", name,
                " holds NaN, infinity or numbers too large to square; embed again with finite weights");
    const auto scale = static_cast<float>(squares > 0 ? 1 / std::sqrt(squares) : 0);
    for (std::size_t i = 0; i < dim; ++i) unit[at + i] *= scale;
  }
  return unit;
}

// The k best so far of one query, the best first.
class Best {
 public:
  explicit Best(std::size_t k) : k_(k) { found_.reserve(k + 1); }
  void offer(float similarity, std::int32_t index) {
    if (found_.size() == k_ && similarity <= found_.back().first) return;
    const auto after = [](const auto& one, const auto& other) { return one.first > other.first; };
    const std::pair<float, std::int32_t> candidate{similarity, index};
    found_.insert(std::upper_bound(found_.begin(), found_.end(), candidate, after), candidate);
    if (found_.size() > k_) found_.pop_back();
  }
  const std::vector<std::pair<float, std::int32_t>>& found() const { return found_; }

 private:
  std::size_t k_;
  std::vector<std::pair<float, std::int32_t>> found_;
};

}  // namespace

Neighbours nearest_neighbours(std::span<const float> bank, std::span<const float> queries, std::size_t dim,
                              std::size_t k, bool excludes_own, const std::atomic<bool>& stop) {
  GYRUS_CHECK(dim > 0 && bank.size() % dim == 0 && queries.size() % dim == 0, Code::shape, "rows of ", dim,
              " features do not fit a bank of ", bank.size(), " and queries of ", queries.size(), " numbers");
  const std::size_t bank_rows = bank.size() / dim, query_rows = queries.size() / dim;
  const std::size_t others = bank_rows - (excludes_own && bank_rows > 0 ? 1 : 0);
  GYRUS_CHECK(k >= 1 && k <= others, Code::invalid_argument, "there are ", others,
              " rows to find neighbours among, not ", k, "; ask for fewer");
  const std::vector<float> unit_bank = unit_rows(bank, dim, "bank"), unit_queries = unit_rows(queries, dim, "queries");
  Neighbours result;
  std::vector<float> products(kQueryRows * kBankRows);
  for (std::size_t first = 0; first < query_rows; first += kQueryRows) {
    GYRUS_CHECK(!stop, Code::aborted, "the search was cancelled");
    const std::size_t rows = std::min(kQueryRows, query_rows - first);
    std::vector<Best> best(rows, Best(k));
    for (std::size_t at = 0; at < bank_rows; at += kBankRows) {
      const std::size_t columns = std::min(kBankRows, bank_rows - at);
      dot_rows({&unit_queries[first * dim], rows * dim}, {&unit_bank[at * dim], columns * dim}, dim,
               {products.data(), rows * columns});
      for (std::size_t row = 0; row < rows; ++row) {
        for (std::size_t column = 0; column < columns; ++column) {
          if (excludes_own && at + column == first + row) continue;
          best[row].offer(products[row * columns + column], static_cast<std::int32_t>(at + column));
        }
      }
    }
    for (const Best& one : best) {
      for (const auto& [similarity, index] : one.found()) {
        result.indices.push_back(index);
        result.similarities.push_back(similarity);
      }
    }
  }
  return result;
}

}  // namespace gyrus::features
