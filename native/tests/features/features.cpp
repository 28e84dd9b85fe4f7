// Neighbours against a naive search; the linear probe against what its optimum must satisfy; what both refuse.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "features/dot_rows.h"
#include "features/linear_probe.h"
#include "features/nearest_neighbours.h"
#include "tests/harness/fill.h"
#include "tests/harness/suites.h"

namespace gyrus::tests::suites {
namespace {

using features::LinearProbeOptions;
using features::LinearProbeResult;

const std::atomic<bool> kGoOn{false};

std::vector<float> normals(std::string_view name, std::size_t count) {
  const std::vector<double> values = fill_values(name, static_cast<std::int64_t>(count), Fill::normal);
  return {values.begin(), values.end()};
}

double cosine(const float* a, const float* b, std::size_t dim) {
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < dim; ++i) {
    ab += double{a[i]} * double{b[i]};
    aa += double{a[i]} * double{a[i]};
    bb += double{b[i]} * double{b[i]};
  }
  return aa > 0 && bb > 0 ? ab / std::sqrt(aa * bb) : 0;
}

void check_products(Check& check, std::size_t a_rows, std::size_t b_rows, std::size_t dim) {
  const std::vector<float> a = normals("a", a_rows * dim), b = normals("b", b_rows * dim);
  std::vector<float> out(a_rows * b_rows);
  features::dot_rows(a, b, dim, out);
  double worst = 0;
  for (std::size_t at = 0; at < out.size(); ++at) {
    const float* const x = &a[at / b_rows * dim];
    const float* const y = &b[at % b_rows * dim];
    double exact = 0;
    for (std::size_t i = 0; i < dim; ++i) exact += double{x[i]} * double{y[i]};
    worst = std::max(worst, std::abs(double{out[at]} - exact));
  }
  check.that(worst <= 1e-6 * static_cast<double>(dim), a_rows, " x ", b_rows, " rows of ", dim, ": off by ", worst);
}

void check_neighbours(Check& check, std::size_t bank_rows, std::size_t query_rows, std::size_t dim, std::size_t k) {
  const std::vector<float> bank = normals("bank", bank_rows * dim), queries = normals("queries", query_rows * dim);
  const features::Neighbours found = features::nearest_neighbours(bank, queries, dim, k, false, kGoOn);
  if (!check.equal(found.indices.size(), query_rows * k, "neighbours")) return;
  for (std::size_t query = 0; query < query_rows; ++query) {
    std::vector<double> all(bank_rows);
    for (std::size_t row = 0; row < bank_rows; ++row) all[row] = cosine(&bank[row * dim], &queries[query * dim], dim);
    std::vector<double> sorted = all;
    std::sort(sorted.rbegin(), sorted.rend());
    for (std::size_t rank = 0; rank < k; ++rank) {
      const std::size_t at = query * k + rank;
      const double own = all[static_cast<std::size_t>(found.indices[at])];
      check.that(std::abs(own - sorted[rank]) < 1e-6, "query ", query, ", rank ", rank, ": ", own, " is not ",
                 sorted[rank]);
      check.that(std::abs(double{found.similarities[at]} - own) < 1e-6, "similarity of query ", query);
    }
  }
}

void test_neighbours(Suite& suite) {
  suite.test("dot products of all tails", [](Check& check) {
    for (const std::size_t dim : {1, 7, 16, 33, 512}) {
      for (const std::size_t rows : {1, 3, 4, 9}) check_products(check, rows, 10 - rows, dim);
    }
  });
  suite.test("neighbours equal a naive search", [](Check& check) {
    check_neighbours(check, 300, 70, 65, 7);
    check_neighbours(check, 5, 1, 3, 5);
  });
  suite.test("equals come by index, and a row is not its own neighbour", [](Check& check) {
    const std::vector<float> rows{1, 0, 2, 0, 3, 0, 0, 1};
    const features::Neighbours found = features::nearest_neighbours(rows, rows, 2, 3, true, kGoOn);
    check.that(found.indices == std::vector<std::int32_t>{1, 2, 3, 0, 2, 3, 0, 1, 3, 0, 1, 2}, "order");
  });
  suite.test("what neighbours refuse", [](Check& check) {
    const std::vector<float> rows(12, 1.0F);
    std::vector<float> bad = rows;
    bad[5] = std::numeric_limits<float>::quiet_NaN();
    const auto find = [&](std::span<const float> bank, std::size_t dim, std::size_t k, bool excludes) {
      return [=, &rows] { features::nearest_neighbours(bank, rows, dim, k, excludes, kGoOn); };
    };
    check.throws(Code::shape, "rows that do not fit", find(rows, 5, 1, false));
    check.throws(Code::invalid_argument, "more than there are", find(rows, 3, 5, false));
    check.throws(Code::invalid_argument, "more than there are but itself", find(rows, 3, 4, true));
    check.throws(Code::non_finite, "NaN", find(bad, 3, 1, false));
    const std::atomic<bool> stop{true};
    check.throws(Code::aborted, "stop", [&] { features::nearest_neighbours(rows, rows, 3, 1, false, stop); });
  });
}

// Three classes around three centres, and features of very different scales.
struct Data {
  std::vector<float> rows;
  std::vector<std::int32_t> labels;
};
Data clusters(std::string_view name, std::size_t count, std::size_t dim, double spread) {
  Data data{normals(name, count * dim), std::vector<std::int32_t>(count)};
  for (std::size_t row = 0; row < count; ++row) {
    data.labels[row] = static_cast<std::int32_t>(row % 3);
    for (std::size_t i = 0; i < dim; ++i) {
      const double centre = i % 3 == row % 3 ? 1 : 0;
      float& value = data.rows[row * dim + i];
      value = static_cast<float>((centre + spread * double{value}) * std::pow(10.0, static_cast<double>(i % 5)) + 3);
    }
  }
  return data;
}

double accuracy(const LinearProbeResult& result, const std::vector<std::int32_t>& labels) {
  std::size_t hits = 0;
  for (std::size_t row = 0; row < labels.size(); ++row) {
    const auto first = result.logits.begin() + static_cast<std::ptrdiff_t>(row * 3);
    hits += std::max_element(first, first + 3) - first == labels[row] ? 1 : 0;
  }
  return static_cast<double>(hits) / static_cast<double>(labels.size());
}

void test_classifier(Suite& suite) {
  suite.test("the classifier it returns is of features as they were given", [](Check& check) {
    const Data train = clusters("train", 120, 7, 0.7);
    std::vector<float> rows = train.rows;
    for (std::size_t at = 0; at < rows.size(); ++at) rows[at] = at % 7 == 4 ? 3.0F : 20.0F * rows[at] + 5.0F;
    const LinearProbeResult result = features::linear_probe(rows, train.labels, rows, {7, 3}, kGoOn);
    for (std::size_t row = 0; row < 120; ++row) {
      for (std::size_t c = 0; c < 3; ++c) {
        double logit = static_cast<double>(result.bias[c]);
        for (std::size_t i = 0; i < 7; ++i) logit += double{result.weights[c * 7 + i]} * double{rows[row * 7 + i]};
        const double found = static_cast<double>(result.logits[row * 3 + c]);
        check.that(std::abs(found - logit) < 1e-4, "row ", row, ", class ", c, ": ", found, " and ", logit);
      }
    }
    check.equal(result.weights[4], 0.0F, "of a feature that never changes");
  });
}

void test_linear_probe(Suite& suite) {
  suite.test("classes that a plane parts are parted, whatever the scales", [](Check& check) {
    const Data train = clusters("train", 300, 13, 0.2), test = clusters("test", 90, 13, 0.2);
    const LinearProbeResult result = features::linear_probe(train.rows, train.labels, test.rows, {13, 3}, kGoOn);
    check.that(accuracy(result, test.labels) == 1, "accuracy ", accuracy(result, test.labels));
    check.that(result.iterations < 1000, "the gradient vanished after ", result.iterations, " iterations");
  });
  suite.test("features that say nothing give the classes' shares", [](Check& check) {
    const std::vector<float> rows(40, 2.0F);
    std::vector<std::int32_t> labels(40, 0);
    std::fill_n(labels.begin(), 10, 1);
    const LinearProbeResult result = features::linear_probe(rows, labels, {rows.data(), 1}, {1, 2, 1e-3, 20000}, kGoOn);
    const double share = 1 / (1 + std::exp(double{result.logits[0]} - double{result.logits[1]}));
    check.that(std::abs(share - 0.25) < 1e-3, "share of class 1: ", share);
    check.that(std::abs(result.loss - 0.5623351446188083) < 1e-5, "entropy of 1/4: ", result.loss);
  });
  suite.test("the optimum: no start is better, and the order of rows is nothing", [](Check& check) {
    Data data = clusters("noisy", 200, 6, 2);
    const LinearProbeOptions options{6, 3, 1e-2, 5000};
    const LinearProbeResult one = features::linear_probe(data.rows, data.labels, data.rows, options, kGoOn);
    Data turned = data;
    for (std::size_t row = 0; row < 200; ++row) {
      std::copy_n(&data.rows[row * 6], 6, &turned.rows[(199 - row) * 6]);
      turned.labels[199 - row] = data.labels[row];
    }
    const LinearProbeResult two = features::linear_probe(turned.rows, turned.labels, data.rows, options, kGoOn);
    double worst = 0;
    for (std::size_t at = 0; at < one.logits.size(); ++at) {
      worst = std::max(worst, std::abs(double{one.logits[at]} - double{two.logits[at]}));
    }
    check.that(worst < 1e-2 && std::abs(one.loss - two.loss) < 1e-6, "logits differ by ", worst);
    const LinearProbeResult rough = features::linear_probe(data.rows, data.labels, data.rows, {6, 3, 1e-2, 5}, kGoOn);
    check.that(rough.loss > one.loss, "five iterations are not enough");
  });
  suite.test("what the linear probe refuses", [](Check& check) {
    const std::vector<float> rows{1, 2, 3, 4};
    const std::vector<std::int32_t> labels{0, 1};
    const auto probe = [&](std::span<const float> train, std::span<const std::int32_t> of, LinearProbeOptions options) {
      return [=, &rows] { features::linear_probe(train, of, rows, options, kGoOn); };
    };
    const std::vector<float> bad{1, 2, 3, std::numeric_limits<float>::infinity()};
    const std::vector<std::int32_t> outside{0, 2}, none;
    check.throws(Code::shape, "rows that do not fit", probe(rows, labels, {3, 2}));
    check.throws(Code::shape, "no rows", probe({}, none, {2, 2}));
    check.throws(Code::invalid_argument, "a label outside", probe(rows, outside, {2, 2}));
    check.throws(Code::invalid_argument, "one class", probe(rows, labels, {2, 1}));
    check.throws(Code::invalid_argument, "a negative penalty", probe(rows, labels, {2, 2, -1}));
    check.throws(Code::non_finite, "infinity", probe(bad, labels, {2, 2}));
  });
}

}  // namespace

void features(Suite& suite) {
  test_neighbours(suite);
  test_classifier(suite);
  test_linear_probe(suite);
}

}  // namespace gyrus::tests::suites
