// A step over micro-batches with the exact loss of the whole batch, and its memory: contrastive_graphs.h says how.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/aligned_buffer.h"
#include "runtime/program.h"
#include "train/contrastive_graphs.h"
#include "train/training_core.h"

namespace gyrus::train {

class MicroStep {
 public:
  // Throws Code::invalid_argument when the batch is no multiple of the micro-batch.
  MicroStep(TrainingCore& core, const Method& method, const ContrastiveOptions& options);

  std::int64_t parts() const { return parts_; }
  std::int64_t arena_bytes() const;

  // In this order: rehearse(0), ..., rehearse(parts - 1), contrast, accumulate(0), ..., accumulate(parts - 1), the
  // views of a part being the same both times. Anything else is Code::invalid_argument and changes nothing.
  // x1, x2 [micro_batch, C, H, W] f32; nullptr where a feed makes them.
  struct PartViews {
    const float *x1 = nullptr, *x2 = nullptr;
    std::uint64_t prefetched = 0;  // what prefetch() gave for them
  };
  void rehearse(std::int64_t part, const PartViews& views, const StepHyper& hyper, const Stop& stop,
                std::vector<runtime::KernelTime>* times);
  // Of the whole batch; `seconds` stays 0.
  StepResult contrast(const StepHyper& hyper, const Stop& stop, std::vector<runtime::KernelTime>* times);
  void accumulate(std::int64_t part, const PartViews& views, const StepHyper& hyper, const Stop& stop,
                  std::vector<runtime::KernelTime>* times);
  bool is_between_steps() const { return at_ == 0; }
  // Forgets a step that was broken off.
  void reset() { at_ = 0; }
  void take_views_from(ViewFeed& feed);
  // Of the next part, whichever kind that is.
  std::uint64_t prefetch(const float* x1, const float* x2);
  // In all three.
  void while_waiting(const std::function<void()>& call);

  // Of the last contrast: the first and the last embedding, [batch, D].
  const float* first_embedding() const { return whole_.front().as<float>(); }
  const float* last_embedding() const { return whole_.back().as<float>(); }

 private:
  void check_turn(std::int64_t turn, const char* what) const;
  backend::StepPart part_of(std::int64_t part) const;

  TrainingCore& core_;
  std::vector<EmbeddingType> embeddings_;
  LossNames names_;
  std::int64_t batch_, micro_, parts_, width_;
  std::int64_t at_ = 0;               // turns of this step that are done, of 2 parts + 1
  std::vector<AlignedBuffer> whole_;  // one an embedding, [batch, D] f32
  std::unique_ptr<runtime::Program> rehearsal_, contrast_, accumulation_;
};

}  // namespace gyrus::train
