// Inference over any number of images: they go through in chunks of powers of two, so that any count needs at most six
// programs.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>

#include "graph/graph.h"
#include "runtime/program.h"
#include "train/device.h"
#include "train/sessions.h"

namespace gyrus::train {

class ChunkedInference {
 public:
  struct Plan {
    std::function<graph::Graph(std::int64_t chunk)> graph;  // one input, one f32 output of the name below
    const char* output = "";
    std::int64_t image_elements = 0, width = 0;  // of one image, and of its row of the output
  };
  // `device` and `store` must outlive it.
  ChunkedInference(Plan plan, const Device& device, runtime::ParameterStore& store);

  // x [count, image_elements] -> out [count, width]. Throws Code::aborted when `stop` is set, and Code::non_finite,
  // with the image's number, where a result is NaN or infinite.
  void run(const float* x, std::int64_t count, float* out, const Stop& stop);
  std::int64_t arena_bytes() const;

 private:
  runtime::Program& program_for(std::int64_t chunk);
  // Of the chunk that begins with image `first`.
  void check_finite(const float* x, const float* out, std::int64_t chunk, std::int64_t first) const;

  Plan plan_;
  const Device& device_;
  runtime::ParameterStore& store_;
  std::array<std::unique_ptr<runtime::Program>, 6> programs_;  // by the logarithm of the chunk
};

// A graph's beginning: the images of a chunk, [chunk, C, H, W] f32, as the encoders take them.
graph::ValueId add_images(graph::Graph& graph, const nn::EncoderOptions& encoder, std::int64_t chunk);

}  // namespace gyrus::train
