// Batches from shards: their order, what they hold, and what is refused.
#include "data/view_loader.h"

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "tests/harness/suites.h"
#include "tests/io/scratch.h"

namespace gyrus::tests::suites {
namespace {

using data::Sampler;
using data::ViewLoader;
using data::ViewLoaderOptions;

const std::atomic<bool> kGoOn{false};

// A shard whose slice r has the value 1000 (first + r) everywhere.
void write_shard(const std::string& path, std::size_t rows, std::size_t size, std::size_t first,
                 const std::string& descr = "<u2") {
  std::string header = "{'descr': '" + descr + "', 'fortran_order': False, 'shape': (" + std::to_string(rows) + ", " +
                       std::to_string(size) + ", " + std::to_string(size) + "), }";
  header.resize(117, ' ');
  header += '\n';
  std::ofstream file(path, std::ios::binary);
  file << "\x93NUMPY" << '\x01' << '\0' << static_cast<char>(header.size()) << '\0' << header;
  for (std::size_t row = 0; row < rows; ++row) {
    const auto value = static_cast<std::uint16_t>(1000 * (first + row));
    for (std::size_t i = 0; i < size * size; ++i) {
      file << static_cast<char>(value & 255U) << static_cast<char>(value >> 8U);
    }
  }
}

ViewLoaderOptions two_shards(const ScratchFolder& folder) {
  write_shard(folder.path("a.npy"), 3, 12, 0);
  write_shard(folder.path("b.npy"), 4, 12, 3);
  ViewLoaderOptions options;
  options.shards = {folder.path("a.npy"), folder.path("b.npy")};
  options.image_size = 8;
  options.batch_size = 3;
  options.normalization = {0, 1};
  options.views[0].crop = options.views[1].crop = {0.5F, 1};
  return options;
}

void test_sampler(Suite& suite) {
  suite.test("an epoch takes every row once, in an order of its own", [](Check& check) {
    std::vector<std::uint32_t> rows;
    for (std::uint32_t row = 10; row < 110; ++row) rows.push_back(row);
    Sampler sampler(rows, 10, 4), same(rows, 10, 4), other(rows, 10, 5);
    check.equal(sampler.steps_per_epoch(), std::size_t{10}, "steps");
    std::vector<std::vector<std::uint32_t>> epochs(2);
    for (std::uint64_t step = 0; step < 20; ++step) {
      const auto batch = sampler.batch(step);
      epochs[step / 10].insert(epochs[step / 10].end(), batch.begin(), batch.end());
    }
    check.that(epochs[0] != rows && epochs[0] != epochs[1], "orders differ");
    for (auto epoch : epochs) {
      std::sort(epoch.begin(), epoch.end());
      check.that(epoch == rows, "every row once");
    }
    const auto jumped = same.batch(17);
    check.that(std::equal(jumped.begin(), jumped.end(), epochs[1].begin() + 70), "any step can be asked for");
    const auto seeded = other.batch(0);
    check.that(!std::equal(seeded.begin(), seeded.end(), epochs[0].begin()), "another seed");
  });
  suite.test("what is left over is dropped; too large a batch is refused", [](Check& check) {
    Sampler sampler({1, 2, 3, 4, 5}, 2, 0);
    check.equal(sampler.steps_per_epoch(), std::size_t{2}, "steps");
    check.throws(Code::invalid_argument, "6 of 5", [] { Sampler({1, 2, 3, 4, 5}, 6, 0); });
    check.throws(Code::invalid_argument, "0 of 5", [] { Sampler({1, 2, 3, 4, 5}, 0, 0); });
  });
}

void test_batches(Suite& suite) {
  suite.test("rows count through the shards, and threads change nothing", [](Check& check) {
    const ScratchFolder folder;
    ViewLoaderOptions options = two_shards(folder);
    options.channels = 3;
    ViewLoader loader(options);
    options.threads = 5;
    ViewLoader threaded(options);
    const std::size_t stride = 3 * 64;
    std::vector<float> x1(3 * stride), x2(3 * stride), y1(3 * stride), y2(3 * stride);
    for (const std::uint64_t step : {0, 1, 5}) {
      loader.fill(step, {}, x1, x2, kGoOn);
      threaded.fill(step, {}, y1, y2, kGoOn);
      check.that(x1 == y1 && x2 == y2, "step ", step, " with threads");
      const auto rows = loader.sampler().batch(step);
      for (std::size_t i = 0; i < 3; ++i) {
        const float wanted = 1000.0F * static_cast<float>(rows[i]) / 65535;
        for (const std::size_t at : {std::size_t{0}, stride - 1}) {
          check.that(std::abs(x1[i * stride + at] - wanted) < 1e-6F, "view 1 of row ", rows[i]);
          check.that(std::abs(x2[i * stride + at] - wanted) < 1e-6F, "view 2 of row ", rows[i]);
        }
      }
    }
  });
  suite.test("parts of a batch are its images in their order", [](Check& check) {
    const ScratchFolder folder;
    ViewLoader loader(two_shards(folder));
    std::vector<float> x1(3 * 64), x2(3 * 64), y1(64), y2(64);
    loader.fill(1, {}, x1, x2, kGoOn);
    for (std::size_t part = 0; part < 3; ++part) {
      loader.fill(1, {part, 3}, y1, y2, kGoOn);
      const auto at = static_cast<std::ptrdiff_t>(64 * part);
      check.that(std::equal(y1.begin(), y1.end(), x1.begin() + at), "view 1 of part ", part);
      check.that(std::equal(y2.begin(), y2.end(), x2.begin() + at), "view 2 of part ", part);
    }
    check.throws(Code::invalid_argument, "part 3 of 3", [&] { loader.fill(1, {3, 3}, y1, y2, kGoOn); });
    check.throws(Code::invalid_argument, "equal ones of a batch of 3", [&] { loader.fill(1, {0, 2}, y1, y2, kGoOn); });
  });
  suite.test("only chosen rows, and rows without augmentation", [](Check& check) {
    const ScratchFolder folder;
    ViewLoaderOptions options = two_shards(folder);
    options.rows = {6, 2, 3};
    ViewLoader loader(options);
    auto batch = loader.sampler().batch(0);
    std::vector<std::uint32_t> rows(batch.begin(), batch.end());
    std::sort(rows.begin(), rows.end());
    check.that(rows == std::vector<std::uint32_t>{2, 3, 6}, "rows");
    std::vector<float> x(2 * 64);
    loader.plain(std::vector<std::uint32_t>{6, 0}, 1, x, kGoOn);
    check.that(std::abs(x[0] - 6000.0F / 65535) < 1e-6F && x[64] == 0, "slices 6 and 0");
    check.throws(Code::invalid_argument, "row 7", [&] { loader.plain(std::vector<std::uint32_t>{7, 0}, 1, x, kGoOn); });
    check.throws(Code::invalid_argument, "side", [&] { loader.plain(std::vector<std::uint32_t>{6, 0}, 0, x, kGoOn); });
    std::vector<float> first(3 * 64), second(3 * 64), alone(3 * 64);
    loader.fill(3, {}, first, second, kGoOn);
    loader.fill_first(3, alone, kGoOn);
    check.that(alone == first, "the first view alone");
  });
}

void test_channels(Suite& suite) {
  suite.test("channels with normalisations of their own", [](Check& check) {
    const ScratchFolder folder;
    ViewLoaderOptions options = two_shards(folder);
    options.channels = 3;
    options.normalization = {0.485F, 0.229F};
    options.further_channels = {{0.456F, 0.224F}, {0.406F, 0.225F}};
    ViewLoader loader(options);
    std::vector<float> x(2 * 3 * 64), x1(3 * 3 * 64), x2(x1.size());
    loader.plain(std::vector<std::uint32_t>{6, 0}, 1, x, kGoOn);
    loader.fill(0, {}, x1, x2, kGoOn);
    const auto rows = loader.sampler().batch(0);
    const std::vector<double> means{0.485, 0.456, 0.406}, stds{0.229, 0.224, 0.225};
    for (std::size_t channel = 0; channel < 3; ++channel) {
      const auto wanted = [&](std::uint32_t row) { return (1000.0 * row / 65535 - means[channel]) / stds[channel]; };
      check.that(std::abs(x[channel * 64 + 63] - wanted(6)) < 1e-6, "slice 6, channel ", channel);
      check.that(std::abs(x[(3 + channel) * 64] - wanted(0)) < 1e-6, "slice 0, channel ", channel);
      check.that(std::abs(x1[channel * 64 + 7] - wanted(rows[0])) < 1e-6, "a view, channel ", channel);
    }
    options.further_channels.pop_back();
    check.throws(Code::invalid_argument, "of 2 channels for 3", [&] { ViewLoader{options}; });
  });
}

void test_refusals(Suite& suite) {
  suite.test("shards that do not fit", [](Check& check) {
    const ScratchFolder folder;
    const ViewLoaderOptions good = two_shards(folder);
    const auto open = [&](const auto& change) {
      ViewLoaderOptions options = good;
      change(options);
      return [options] { ViewLoader{options}; };
    };
    write_shard(folder.path("wide.npy"), 1, 13, 0);
    write_shard(folder.path("signed.npy"), 1, 12, 0, "<i2");
    write_shard(folder.path("empty.npy"), 0, 12, 0);
    const auto with = [&](const std::string& name) {
      return open([path = folder.path(name)](ViewLoaderOptions& options) { options.shards.push_back(path); });
    };
    check.throws(Code::shape, "another size", with("wide.npy"));
    check.throws(Code::dtype, "another type", with("signed.npy"));
    check.throws(Code::file_not_found, "none", with("missing.npy"));
    check.throws(Code::invalid_argument, "no slices",
                 open([&](ViewLoaderOptions& options) { options.shards = {folder.path("empty.npy")}; }));
    check.throws(Code::invalid_argument, "no shards", open([](ViewLoaderOptions& options) { options.shards.clear(); }));
    check.throws(Code::invalid_argument, "a row too far", open([](ViewLoaderOptions& options) {
                   options.rows = {1, 2, 7};
                 }));
    for (const int threads : {0, 1025}) {
      check.throws(Code::invalid_argument, text(threads, " threads"),
                   open([threads](ViewLoaderOptions& options) { options.threads = threads; }));
    }
    check.throws(Code::invalid_argument, "a batch too large",
                 open([](ViewLoaderOptions& options) { options.batch_size = 8; }));
  });
  suite.test("a shard that is cut off meanwhile, and a call that is cancelled", [](Check& check) {
    const ScratchFolder folder;
    ViewLoaderOptions options = two_shards(folder);
    options.threads = 2;
    options.batch_size = 7;
    ViewLoader loader(options);
    std::vector<float> x1(7 * 64), x2(7 * 64);
    const std::atomic<bool> stop{true};
    check.throws(Code::aborted, "cancelled", [&] { loader.fill(0, {}, x1, x2, stop); });
    std::ofstream(folder.path("b.npy"), std::ios::trunc | std::ios::binary) << "gone";
    check.throws(Code::file_io, "cut off", [&] { loader.fill(0, {}, x1, x2, kGoOn); });
  });
}

}  // namespace

void data_views(Suite& suite) {
  test_sampler(suite);
  test_batches(suite);
  test_channels(suite);
  test_refusals(suite);
}

}  // namespace gyrus::tests::suites
