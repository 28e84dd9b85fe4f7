// Batches of views from shards, made by threads of their own while the engine computes.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "data/sampler.h"
#include "data/shard_set.h"
#include "imaging/augment/view.h"

namespace gyrus::data {

struct ViewLoaderOptions {
  std::vector<std::string> shards;
  std::vector<std::uint32_t> rows;  // to train on; empty: all
  std::size_t image_size = 224, channels = 1, batch_size = 1;
  std::uint64_t seed = 0;
  int threads = 1;
  imaging::Normalization normalization;                  // of the first channel
  std::vector<imaging::Normalization> further_channels;  // of the others; empty: as of the first
  std::array<imaging::ViewOptions, 2> views;
};

class ViewLoader {
 public:
  // Throws what ShardSet and Sampler throw, and Code::invalid_argument for rows that are not there.
  explicit ViewLoader(ViewLoaderOptions options);

  const ShardSet& shards() const { return shards_; }
  Sampler& sampler() { return sampler_; }
  const ViewLoaderOptions& options() const { return options_; }

  // One of `count` equal shares of a step's batch, in its order.
  struct Part {
    std::size_t number = 0, count = 1;
  };
  // The views of a step's batch, or of a part of it: x1, x2 [images, channels, image_size, image_size]: the grey image
  // in every channel, normalised as that channel is.
  // A pure function of the options, the step and the part, whatever the number of threads. Code::aborted when `stop` is
  // set.
  void fill(std::uint64_t step, const Part& part, std::span<float> x1, std::span<float> x2,
            const std::atomic<bool>& stop);
  // What those views are made of, for a device that makes them: the slices [images, size, size], and what is drawn for
  // each one's two views.
  void draw(std::uint64_t step, const Part& part, std::span<std::uint16_t> slices,
            const std::array<std::span<math::ViewPlan>, 2>& plans, const std::atomic<bool>& stop);
  // The first of the two views alone, of the whole batch.
  void fill_first(std::uint64_t step, std::span<float> x, const std::atomic<bool>& stop);
  // Rows without augmentation: resized and normalised; of each the square in the middle with `side` of its side.
  void plain(std::span<const std::uint32_t> rows, float side, std::span<float> x, const std::atomic<bool>& stop);

 private:
  struct Worker {
    imaging::ViewMaker maker;
    std::vector<std::uint16_t> slice;
  };
  // Calls work(worker, i) for every i below count, on all threads. The first exception is thrown on.
  void for_each(std::size_t count, const std::atomic<bool>& stop,
                const std::function<void(Worker&, std::size_t)>& work);
  std::size_t image_elements() const { return options_.image_size * options_.image_size; }
  void replicate(std::span<float> image) const;
  void check_row(std::uint32_t row) const;
  std::span<const std::uint32_t> rows_of(std::uint64_t step, const Part& part);
  void fill_views(std::uint64_t step, const Part& part, std::span<const std::span<float>> views,
                  const std::atomic<bool>& stop);

  ViewLoaderOptions options_;
  ShardSet shards_;
  Sampler sampler_;
  std::vector<Worker> workers_;
};

}  // namespace gyrus::data
