#include "train/chunked_inference.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "graph/ops.h"
#include "train/compile.h"

namespace gyrus::train {
namespace {

constexpr std::int64_t kLargestChunk = 32;

}  // namespace

ChunkedInference::ChunkedInference(Plan plan, const Device& device, runtime::ParameterStore& store)
    : plan_(std::move(plan)), device_(device), store_(store) {}

void ChunkedInference::run(const float* x, std::int64_t count, float* out, const Stop& stop) {
  GYRUS_CHECK(count >= 0, Code::invalid_argument, "the number of images cannot be negative: ", count);
  while (count > 0) {
    const std::int64_t chunk =
        std::min(kLargestChunk, static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(count))));
    runtime::Program& program = program_for(chunk);
    const std::array<const void*, 1> inputs{x};
    if (program.run(inputs, {}, &stop) != runtime::RunEnd::done)
      throw Error(Code::aborted, "the call was aborted before all images were done");
    std::memcpy(out, program.output(plan_.output), static_cast<std::size_t>(chunk * plan_.width) * sizeof(float));
    x += chunk * plan_.image_elements;
    out += chunk * plan_.width;
    count -= chunk;
  }
}

std::int64_t ChunkedInference::arena_bytes() const {
  std::int64_t bytes = 0;
  for (const auto& program : programs_) bytes += program ? program->arena_bytes() : 0;
  return bytes;
}

runtime::Program& ChunkedInference::program_for(std::int64_t chunk) {
  auto& program = programs_[static_cast<std::size_t>(std::countr_zero(static_cast<std::uint64_t>(chunk)))];
  if (!program) program = compile_inference(plan_.graph(chunk), device_, store_);
  return *program;
}

graph::ValueId add_images(graph::Graph& graph, const nn::EncoderOptions& encoder, std::int64_t chunk) {
  const graph::ValueId x = graph.add_source(
      graph::Role::input, "x", {Shape{chunk, encoder.channels, encoder.image_height, encoder.image_width}, DType::f32});
  return graph::to_channels_last(graph, x, DType::f32, "input");
}

}  // namespace gyrus::train
