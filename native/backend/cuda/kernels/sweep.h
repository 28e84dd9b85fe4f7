// How the optimizers walk the flat arenas: in chunks of one segment each, a block of threads a chunk.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backend/cuda/kernels/stream.h"
#include "backend/hyper.h"
#include "core/dtype.h"

namespace gyrus::backend::cuda {

// One parameter's place in the arenas, as backend::Segment has it: offsets in elements, at multiples of 16.
struct SweepSegment {
  std::int64_t offset = 0, count = 0;
  bool has_weight_decay = true, has_lars_adaptation = true;
  float lr_scale = 1;
};

// A piece of one segment, in device memory.
struct SweepChunk {
  std::int64_t offset = 0;   // of its first element
  std::int32_t count = 0;    // at most kSweepChunk
  std::int32_t segment = 0;  // index of its segment
  std::int32_t has_weight_decay = 0, has_lars_adaptation = 0;
  float lr_scale = 1;  // its learning rate is Hyper's times this
};
inline constexpr std::int64_t kSweepChunk = 16 * 1024;

// All segments' chunks, in order. The caller copies them to the device once, when it binds.
inline std::vector<SweepChunk> make_sweep_chunks(std::span<const SweepSegment> segments) {
  std::vector<SweepChunk> chunks;
  for (std::size_t s = 0; s < segments.size(); ++s) {
    const SweepSegment& segment = segments[s];
    for (std::int64_t at = 0; at < segment.count; at += kSweepChunk) {
      const std::int64_t count = segment.count - at < kSweepChunk ? segment.count - at : kSweepChunk;
      chunks.push_back({segment.offset + at, static_cast<std::int32_t>(count), static_cast<std::int32_t>(s),
                        segment.has_weight_decay, segment.has_lars_adaptation, segment.lr_scale});
    }
  }
  return chunks;
}

// What every sweep works on. All arenas are flat f32 and use the same offsets; gaps between segments are not touched.
struct SweepArgs {
  float* parameters = nullptr;
  const float* gradients = nullptr;
  float *slot0 = nullptr, *slot1 = nullptr;  // as the optimizer needs them, else null
  bf16_t* parameters_bf16 = nullptr;         // where the new parameters also go, at the same offsets; may be null
  const SweepChunk* chunks = nullptr;        // [chunk_count], device
  std::int64_t chunk_count = 0, segment_count = 0;
  const Hyper* hyper = nullptr;  // device
  void* scratch = nullptr;       // lars only
};

}  // namespace gyrus::backend::cuda
