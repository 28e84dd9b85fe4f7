#include "data/view_loader.h"

#include <algorithm>
#include <exception>
#include <mutex>
#include <numeric>
#include <thread>
#include <utility>

#include "core/error.h"
#include "core/threads.h"
#include "imaging/augment/plan_view.h"

namespace gyrus::data {
namespace {

std::vector<std::uint32_t> rows_or_all(const std::vector<std::uint32_t>& rows, std::size_t count) {
  if (!rows.empty()) return rows;
  std::vector<std::uint32_t> all(count);
  std::iota(all.begin(), all.end(), 0U);
  return all;
}

}  // namespace

ViewLoader::ViewLoader(ViewLoaderOptions options)
    : options_(std::move(options)),
      shards_(options_.shards),
      sampler_(rows_or_all(options_.rows, shards_.rows()), options_.batch_size, options_.seed) {
  const std::size_t further = options_.further_channels.size();
  GYRUS_CHECK(further == 0 || further + 1 == options_.channels, Code::invalid_argument, "there are normalisations of ",
              further + 1, " channels for ", options_.channels, "; give one of each channel, or one of all");
  for (const std::uint32_t row : options_.rows) check_row(row);
  GYRUS_CHECK(options_.threads >= 1 && options_.threads <= kMostThreads, Code::invalid_argument, "threads is ",
              options_.threads, "; take 1 to ", kMostThreads);
  for (int thread = 0; thread < options_.threads; ++thread) {
    workers_.push_back({imaging::ViewMaker(shards_.size(), options_.image_size),
                        std::vector<std::uint16_t>(shards_.size() * shards_.size())});
  }
}

void ViewLoader::check_row(std::uint32_t row) const {
  GYRUS_CHECK(row < shards_.rows(), Code::invalid_argument, "there is no row ", row, ": the shards hold ",
              shards_.rows(), " slices");
}

void ViewLoader::fill(std::uint64_t step, const Part& part, std::span<float> x1, std::span<float> x2,
                      const std::atomic<bool>& stop) {
  fill_views(step, part, std::array{x1, x2}, stop);
}

void ViewLoader::fill_first(std::uint64_t step, std::span<float> x, const std::atomic<bool>& stop) {
  fill_views(step, {}, std::array{x}, stop);
}

std::span<const std::uint32_t> ViewLoader::rows_of(std::uint64_t step, const Part& part) {
  GYRUS_CHECK(part.count >= 1 && options_.batch_size % part.count == 0 && part.number < part.count,
              Code::invalid_argument, "there is no part ", part.number, " of ", part.count,
              " equal ones of a batch of ", options_.batch_size);
  const std::size_t images = options_.batch_size / part.count;
  return sampler_.batch(step).subspan(part.number * images, images);
}

void ViewLoader::draw(std::uint64_t step, const Part& part, std::span<std::uint16_t> slices,
                      const std::array<std::span<math::ViewPlan>, 2>& plans, const std::atomic<bool>& stop) {
  const std::span<const std::uint32_t> rows = rows_of(step, part);
  const std::uint32_t epoch = sampler_.epoch_of(step);
  const std::size_t side = shards_.size(), stride = side * side;
  GYRUS_CHECK(slices.size() == rows.size() * stride && plans[0].size() == rows.size() && plans[1].size() == rows.size(),
              Code::shape, "the feed holds ", plans[0].size(), " images, ", slices.size(),
              " pixels in all; this part has ", rows.size(), " slices of ", side, " x ", side,
              ": open the feed of the trainer for this loader");
  for_each(rows.size(), stop, [&](Worker&, std::size_t i) {
    shards_.read(rows[i], slices.subspan(i * stride, stride));
    for (std::uint32_t view = 0; view < plans.size(); ++view) {
      plans.at(view)[i] = imaging::plan_view(options_.views.at(view), {options_.seed, epoch, rows[i], view}, side);
    }
  });
}

void ViewLoader::fill_views(std::uint64_t step, const Part& part, std::span<const std::span<float>> views,
                            const std::atomic<bool>& stop) {
  const std::span<const std::uint32_t> rows = rows_of(step, part);
  const std::size_t stride = options_.channels * image_elements();
  for (const std::span<float> x : views) GYRUS_ASSERT(x.size() == rows.size() * stride);
  const std::uint32_t epoch = sampler_.epoch_of(step);
  for_each(rows.size(), stop, [&](Worker& worker, std::size_t i) {
    shards_.read(rows[i], worker.slice);
    for (std::uint32_t view = 0; view < views.size(); ++view) {
      const std::span<float> image = views[view].subspan(i * stride, stride);
      worker.maker.make(worker.slice, options_.views.at(view), {options_.seed, epoch, rows[i], view},
                        options_.normalization, image.first(image_elements()));
      replicate(image);
    }
  });
}

void ViewLoader::plain(std::span<const std::uint32_t> rows, float side, std::span<float> x,
                       const std::atomic<bool>& stop) {
  const std::size_t stride = options_.channels * image_elements();
  GYRUS_ASSERT(x.size() == rows.size() * stride);
  GYRUS_CHECK(side > 0 && side <= 1, Code::invalid_argument, "the side must lie in (0, 1], not be ", side);
  for (const std::uint32_t row : rows) check_row(row);
  for_each(rows.size(), stop, [&](Worker& worker, std::size_t i) {
    shards_.read(rows[i], worker.slice);
    const std::span<float> image = x.subspan(i * stride, stride);
    worker.maker.plain(worker.slice, options_.normalization, image.first(image_elements()), side);
    replicate(image);
  });
}

// (v - m') / s' of y = (v - m) / s is y s / s' + (m - m') / s'.
void ViewLoader::replicate(std::span<float> image) const {
  const std::span<const float> first = image.first(image_elements());
  const imaging::Normalization& of_first = options_.normalization;
  for (std::size_t channel = 1; channel < options_.channels; ++channel) {
    const auto out = image.subspan(channel * image_elements(), image_elements());
    if (options_.further_channels.empty()) {
      std::copy(first.begin(), first.end(), out.begin());
      continue;
    }
    const imaging::Normalization& own = options_.further_channels[channel - 1];
    const float factor = of_first.std / own.std, shift = (of_first.mean - own.mean) / own.std;
    std::transform(first.begin(), first.end(), out.begin(), [=](float value) { return factor * value + shift; });
  }
}

// Threads are started for each batch: that costs some 20 us, a batch many milliseconds, and nothing waits in between.
void ViewLoader::for_each(std::size_t count, const std::atomic<bool>& stop,
                          const std::function<void(Worker&, std::size_t)>& work) {
  std::atomic<std::size_t> next{0};
  std::atomic<bool> has_failed{false};
  std::exception_ptr failure;
  std::mutex mutex;
  const auto run = [&](Worker& worker) {
    try {
      for (std::size_t i = next++; i < count && !has_failed; i = next++) {
        GYRUS_CHECK(!stop, Code::aborted, "reading the slices was cancelled");
        work(worker, i);
      }
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!has_failed.exchange(true)) failure = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 1; t < std::min(workers_.size(), count); ++t) {
      threads.emplace_back([&run, &worker = workers_[t]] { run(worker); });
    }
    run(workers_.front());
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace gyrus::data
