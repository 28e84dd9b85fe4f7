#include "train/chunked_inference.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "graph/ops.h"
#include "io/finite.h"
#include "train/compile.h"
#include "train/memory_remedy.h"

namespace gyrus::train {
namespace {

constexpr std::int64_t kLargestChunk = 32;

}  // namespace

ChunkedInference::ChunkedInference(Plan plan, const Device& device, runtime::ParameterStore& store)
    : plan_(std::move(plan)), device_(device), store_(store) {}

void ChunkedInference::run(const float* x, std::int64_t count, float* out, const Stop& stop) {
  GYRUS_CHECK(count >= 0, Code::invalid_argument, "the number of images cannot be negative: ", count);
  for (std::int64_t first = 0; count > 0;) {
    const std::int64_t chunk =
        std::min(kLargestChunk, static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(count))));
    runtime::Program& program = program_for(chunk);
    const std::array<const void*, 1> inputs{x};
    if (program.run(inputs, {}, &stop) != runtime::RunEnd::done)
      throw Error(Code::aborted, "the call was aborted before all images were done");
    std::memcpy(out, program.output(plan_.output), static_cast<std::size_t>(chunk * plan_.width) * sizeof(float));
    check_finite(x, out, chunk, first);
    x += chunk * plan_.image_elements;
    out += chunk * plan_.width;
    first += chunk;
    count -= chunk;
  }
}

// NaN and infinity spread to the whole image, so its results tell of them: they are few, and its numbers many.
void ChunkedInference::check_finite(const float* x, const float* out, std::int64_t chunk, std::int64_t first) const {
  const std::int64_t bad = io::find_non_finite({out, static_cast<std::size_t>(chunk * plan_.width)});
  if (bad < 0) return;
  const std::int64_t image = bad / plan_.width;
  const std::int64_t at =
      io::find_non_finite({x + image * plan_.image_elements, static_cast<std::size_t>(plan_.image_elements)});
  GYRUS_CHECK(at < 0, Code::non_finite, "image ", first + image, " holds NaN or infinity, first in its number ", at,
              ": leave it out, or mend it");
  throw Error(Code::non_finite,
              text("the ", plan_.output, " of image ", first + image,
                   " hold NaN or infinity, though the image does not: its numbers, or the weights', are "
                   "too large; normalise images, or use other weights"));
}

std::int64_t ChunkedInference::arena_bytes() const {
  std::int64_t bytes = 0;
  for (const auto& program : programs_) bytes += program ? program->arena_bytes() : 0;
  return bytes;
}

runtime::Program& ChunkedInference::program_for(std::int64_t chunk) {
  auto& program = programs_[static_cast<std::size_t>(std::countr_zero(static_cast<std::uint64_t>(chunk)))];
  try {
    if (!program) program = compile_inference(plan_.graph(chunk), device_, store_);
  } catch (const MemoryShortage& shortage) {
    throw with_remedy(shortage, chunk);
  }
  return *program;
}

graph::ValueId add_images(graph::Graph& graph, const nn::EncoderOptions& encoder, std::int64_t chunk) {
  const graph::ValueId x = graph.add_source(
      graph::Role::input, "x", {Shape{chunk, encoder.channels, encoder.image_height, encoder.image_width}, DType::f32});
  return graph::to_channels_last(graph, x, DType::f32, "input");
}

}  // namespace gyrus::train
