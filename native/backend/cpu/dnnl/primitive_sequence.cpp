#include "backend/cpu/dnnl/primitive_sequence.h"

#include <algorithm>

#include "backend/cpu/threads.h"

namespace gyrus::backend::cpu {
namespace {

std::int64_t round_to_cache_line(std::size_t bytes) { return static_cast<std::int64_t>((bytes + 63) / 64 * 64); }

}  // namespace

void* resolve(const Place& place, const KernelArgs& args) {
  void* start = nullptr;
  switch (place.kind) {
    case Place::Kind::in:
      GYRUS_ASSERT(place.index < args.in.size());
      start = args.in[place.index];
      break;
    case Place::Kind::out:
      GYRUS_ASSERT(place.index < args.out.size());
      start = args.out[place.index];
      break;
    case Place::Kind::scratch:
      start = args.scratch;
      break;
  }
  return static_cast<std::byte*>(start) + place.offset;
}

Place PrimitiveSequence::add_scratch(std::size_t bytes) {
  const Place place{Place::Kind::scratch, 0, blocks_bytes_};
  blocks_bytes_ += round_to_cache_line(bytes);
  return place;
}

void PrimitiveSequence::add(const ::dnnl::primitive& primitive, std::vector<Argument> arguments,
                            const ::dnnl::memory::desc& scratchpad) {
  scratchpad_bytes_ = std::max(scratchpad_bytes_, round_to_cache_line(scratchpad.get_size()));
  steps_.push_back({primitive, std::move(arguments), scratchpad, {}});
}

void PrimitiveSequence::bind(const KernelArgs& args) {
  with_dnnl_errors(text("binding ", name_), [&] {
    for (Step& step : steps_) {
      step.bound.clear();
      for (const Argument& argument : step.arguments) {
        step.bound.emplace(argument.id,
                           ::dnnl::memory(argument.desc, engine_->engine(), resolve(argument.place, args)));
      }
      if (step.scratchpad.get_size() == 0) continue;
      void* scratchpad = static_cast<std::byte*>(args.scratch) + blocks_bytes_;
      step.bound.emplace(DNNL_ARG_SCRATCHPAD, ::dnnl::memory(step.scratchpad, engine_->engine(), scratchpad));
    }
  });
}

void PrimitiveSequence::run() {
  use_threads(engine_->threads());
  with_dnnl_errors(name_, [&] {
    for (const Step& step : steps_) step.primitive.execute(engine_->stream(), step.bound);
  });
}

}  // namespace gyrus::backend::cpu
