#include "train/micro_step.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "train/compile.h"

namespace gyrus::train {
namespace {

std::int64_t checked_parts(const ContrastiveOptions& options) {
  GYRUS_CHECK(options.micro_batch >= 1 && options.batch_size % options.micro_batch == 0, Code::invalid_argument,
              "microBatch must divide batchSize: ", options.batch_size, " is no multiple of ", options.micro_batch);
  return options.batch_size / options.micro_batch;
}

bool is_all_finite(const float* values, std::int64_t count) {
  return std::all_of(values, values + count, [](float value) { return std::isfinite(value); });
}

}  // namespace

MicroStep::MicroStep(TrainingCore& core, const Method& method, const ContrastiveOptions& options)
    : core_(core),
      batch_(options.batch_size),
      micro_(options.micro_batch),
      parts_(checked_parts(options)),
      width_(options.projector_out) {
  MicroGraphs graphs = micro_graphs(method, options);
  embeddings_ = graphs.embeddings;
  names_ = graphs.names;
  std::vector<std::string> trained;
  std::vector<Seeded> seeded;
  for (const EmbeddingType& embedding : embeddings_) {
    whole_.emplace_back(batch_ * width_ * size_of(DType::f32));
    if (!embedding.is_trained) continue;
    trained.push_back(embedding.name);
    seeded.push_back({embedding.name, gradient_name(embedding.name)});
  }
  accumulation_ = compile_accumulate(graphs.accumulate, seeded, core.optimizer(), core.device(), core.store());
  rehearsal_ = compile_rehearsal(graphs.rehearse, core.device(), core.store());
  contrast_ = compile_contrast(graphs.contrast, names_.losses, trained, core.device(), core.store());
  accumulation_->share_prefetch(*rehearsal_);
}

std::int64_t MicroStep::arena_bytes() const {
  std::int64_t bytes = rehearsal_->arena_bytes() + contrast_->arena_bytes() + accumulation_->arena_bytes();
  for (const AlignedBuffer& buffer : whole_) bytes += buffer.bytes();
  return bytes;
}

void MicroStep::take_views_from(ViewFeed& feed) {
  feed.serve(*rehearsal_);
  feed.serve(*accumulation_);
}

std::uint64_t MicroStep::prefetch(const float* x1, const float* x2) {
  const std::array<const void*, 2> images{x1, x2};
  return rehearsal_->prefetch(images);
}

void MicroStep::while_waiting(const std::function<void()>& call) {
  for (const auto& program : {rehearsal_.get(), contrast_.get(), accumulation_.get()}) program->while_waiting(call);
}

void MicroStep::check_turn(std::int64_t turn, const char* what) const {
  GYRUS_CHECK(turn == at_, Code::invalid_argument, what, " is not what comes next in a step over ", parts_,
              " micro-batches, of which ", at_, " of ", 2 * parts_ + 1,
              " calls are done: rehearse every part, contrast, then accumulate every part");
}

backend::StepPart MicroStep::part_of(std::int64_t part) const {
  using backend::StepPart;
  if (parts_ == 1) return StepPart::whole;
  return part == 0 ? StepPart::first : part + 1 == parts_ ? StepPart::last : StepPart::middle;
}

void MicroStep::rehearse(std::int64_t part, const PartViews& views, const StepHyper& hyper, const Stop& stop,
                         std::vector<runtime::KernelTime>* times) {
  GYRUS_CHECK(part >= 0 && part < parts_, Code::invalid_argument, "there is no part ", part, " of ", parts_);
  if (part == 0) core_.begin_step();
  check_turn(part, "rehearsing this part");
  const std::array<const void*, 2> inputs{views.x1, views.x2};
  const PartHyper values{hyper, part_of(part), views.prefetched};
  core_.run_part(*rehearsal_, inputs, values, stop, times);
  const std::int64_t elements = micro_ * width_;
  for (std::size_t i = 0; i < embeddings_.size(); ++i) {
    const auto* const rows = static_cast<const float*>(rehearsal_->output(embeddings_[i].name));
    if (!is_all_finite(rows, elements)) {
      core_.fail_non_finite("the embeddings are NaN or infinite", *rehearsal_, inputs, values);
    }
    std::copy_n(rows, elements, whole_[i].as<float>() + part * elements);
  }
  ++at_;
}

StepResult MicroStep::contrast(const StepHyper& hyper, const Stop& stop, std::vector<runtime::KernelTime>* times) {
  check_turn(parts_, "contrasting");
  std::vector<const void*> inputs;
  for (const AlignedBuffer& embedding : whole_) inputs.push_back(embedding.data());
  core_.run_part(*contrast_, inputs, {hyper}, stop, times);
  StepResult result;
  for (const std::string& name : names_.losses) result.loss += *static_cast<const float*>(contrast_->output(name));
  for (const std::string& name : names_.hits) result.hits += *static_cast<const float*>(contrast_->output(name));
  result.hits /= static_cast<float>(names_.hits.size());
  if (!std::isfinite(result.loss)) {
    core_.fail_non_finite("the loss is NaN or infinite", *contrast_, inputs, {hyper});
  }
  ++at_;
  return result;
}

void MicroStep::accumulate(std::int64_t part, const PartViews& views, const StepHyper& hyper, const Stop& stop,
                           std::vector<runtime::KernelTime>* times) {
  GYRUS_CHECK(part >= 0 && part < parts_, Code::invalid_argument, "there is no part ", part, " of ", parts_);
  check_turn(parts_ + 1 + part, "accumulating this part");
  std::vector<const void*> inputs{views.x1, views.x2};
  for (const EmbeddingType& embedding : embeddings_) {
    if (!embedding.is_trained) continue;
    const auto* const gradient = static_cast<const float*>(contrast_->output(gradient_name(embedding.name)));
    inputs.push_back(gradient + part * micro_ * width_);
  }
  core_.run_part(*accumulation_, inputs, {hyper, part_of(part), views.prefetched}, stop, times);
  ++at_;
  if (part + 1 < parts_) return;
  core_.end_step();
  at_ = 0;
}

}  // namespace gyrus::train
