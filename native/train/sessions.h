// The engine as its users see it: three sessions, each synchronous and used from one thread (its engine thread).
// `stop` may be set from any thread: the call then throws Code::aborted between two kernels. `times`, if not null, gets
// the time of every kernel: where the milliseconds of a step go.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "features/embedding_health.h"
#include "io/weights_match.h"
#include "runtime/program.h"
#include "train/device.h"
#include "train/network_facts.h"
#include "train/session_options.h"
#include "train/view_feed.h"

namespace gyrus::train {

using Stop = std::atomic<bool>;

// After an abort in the middle of a training step, or a loss that is not finite, a session refuses further steps until
// weights are loaded again: running statistics and momentum copies have moved, the weights have not.

// What loading a file found; the call that loads throws Code::weights_mismatch with this list when it does not fit.
using LoadReport = io::MatchReport;

// What a session says of itself.
struct SessionInfo {
  std::string device, precision;  // what was chosen: "cpu", "bf16"
  std::string device_reason;      // of device 'auto': which GPU was taken, or why none
  int threads = 0;
  std::int64_t feature_dim = 0, parameter_count = 0;
  std::int64_t parameter_bytes = 0, arena_bytes = 0;
};

// What every session fills in the same way: device, precision, threads, sizes of the parameters.
SessionInfo describe_session(const Device& device, const runtime::ParameterStore& store);

class EncoderSession {
 public:
  // Weights: a safetensors or PyTorch file of any form in io/weight_forms.h; heads in it are left aside.
  // An empty path gives the random initialisation of `seed`.
  static std::unique_ptr<EncoderSession> create(const nn::EncoderOptions&, const DeviceOptions&,
                                                const std::string& weights, std::uint64_t seed = 0);
  virtual ~EncoderSession() = default;
  virtual const LoadReport& load_report() const = 0;
  virtual SessionInfo info() const = 0;
  // x [count, C, H, W] f32, already normalised -> out [count, D] f32. Any count >= 0: worked off in chunks.
  virtual void embed(const float* x, std::int64_t count, float* out, const Stop& stop) = 0;
  // The encoder without a head, for torchvision, timm, moco-v3 or ONNX runtimes; channels: as ExportOptions has it. A
  // safetensors file says in its metadata which network it is of (network_facts), and `more`.
  virtual void save(const std::string& path, ExportForm form, std::int64_t channels, const Metadata& more) = 0;
};

class ContrastiveSession {
 public:
  static std::unique_ptr<ContrastiveSession> create(const ContrastiveOptions&);
  virtual ~ContrastiveSession() = default;
  virtual SessionInfo info() const = 0;
  // x1, x2 [batch, C, H, W] f32. `prefetched`: what prefetch() gave for them, or 0.
  virtual StepResult step(const float* x1, const float* x2, const StepHyper&, const Stop& stop,
                          std::vector<runtime::KernelTime>* times = nullptr, std::uint64_t prefetched = 0) = 0;
  // `call` is called in every step, and every part of one, on a device with memory of its own, while that computes, and
  // must not throw. It may prefetch() the views of the next step or part, which then stay as they are until its end:
  // they travel while this one runs. (Of a step over micro-batches, those of its first part.) 0, and nothing is done,
  // where there is nothing to gain.
  virtual void while_waiting(std::function<void()> call) = 0;
  virtual std::uint64_t prefetch(const float* x1, const float* x2) = 0;
  // A step over micro-batches, part by part, so that only one part's views need memory: rehearse every part, contrast,
  // accumulate every part, with the same views and hyper-parameters. contrast() gives the step's loss and hits; the
  // last accumulate() updates. x1, x2 [micro_batch, C, H, W] f32, `prefetched` as in step(); the seconds of the
  // engine's work come back.
  virtual double rehearse(std::int64_t part, const float* x1, const float* x2, const StepHyper&, const Stop& stop,
                          std::uint64_t prefetched = 0) = 0;
  virtual StepResult contrast(const StepHyper&, const Stop& stop) = 0;
  virtual double accumulate(std::int64_t part, const float* x1, const float* x2, const StepHyper&, const Stop& stop,
                            std::uint64_t prefetched = 0) = 0;
  // On a device with memory of its own, views may be made there, from slices that a loader fills the feed with while
  // steps run; null on others. In place of an earlier feed. The steps below take what was fed for that step and part
  // (counted from 0), in the order in which it was fed; else Code::invalid_argument, and nothing is changed.
  virtual std::shared_ptr<ViewFeed> open_feed(const FeedOptions& options) = 0;
  virtual StepResult step_fed(std::uint64_t step, const StepHyper&, const Stop& stop) = 0;
  virtual double rehearse_fed(std::uint64_t step, std::int64_t part, const StepHyper&, const Stop& stop) = 0;
  virtual double accumulate_fed(std::uint64_t step, std::int64_t part, const StepHyper&, const Stop& stop) = 0;
  // Of the last step's embeddings. Code::invalid_argument before the first step.
  virtual features::EmbeddingHealth health() = 0;
  // safetensors with base_encoder.*, momentum_encoder.*, predictor.* (science.md B12).
  virtual LoadReport load(const std::string& path) = 0;
  virtual void save(const std::string& path) = 0;
  // The same and the optimizer's slots and steps: after load_state() the next step is, to the last bit, the one that
  // would have followed save_state().
  virtual void load_state(const std::string& path) = 0;
  virtual void save_state(const std::string& path) = 0;
  // The base encoder without projector, under torchvision's or timm's names, for `channels` input channels; `more` for
  // its metadata.
  virtual void save_backbone(const std::string& path, std::int64_t channels, const Metadata& more) = 0;
};

class SupervisedSession {
 public:
  static std::unique_ptr<SupervisedSession> create(const SupervisedOptions&);
  virtual ~SupervisedSession() = default;
  virtual SessionInfo info() const = 0;
  // x [batch, C, H, W] f32, labels [batch] in [0, classes). With hyper.mix < 1, image i and label i are mixed with
  // those of image batch - 1 - i (Zhang et al. 2018); hits count an image's own label. `prefetched`: what prefetch()
  // gave for these images and this mix, or 0.
  virtual StepResult step(const float* x, const std::int32_t* labels, const StepHyper&, const Stop& stop,
                          std::vector<runtime::KernelTime>* times = nullptr, std::uint64_t prefetched = 0) = 0;
  // As ContrastiveSession's. The images are mixed as hyper.mix says before they travel.
  virtual void while_waiting(std::function<void()> call) = 0;
  virtual std::uint64_t prefetch(const float* x, const StepHyper&) = 0;
  // Logits [count, classes] of images x [count, C, H, W], with the running statistics and the whole of every branch.
  // Any count >= 0; changes nothing.
  virtual void predict(const float* x, std::int64_t count, float* logits, const Stop& stop) = 0;
  virtual LoadReport load(const std::string& path) = 0;
  // The backbone alone, from a file of torchvision's or timm's names; a head in it is left aside, the classifier stays.
  virtual LoadReport load_backbone(const std::string& path) = 0;
  // Replaces the classifier: weights [classes, feature_dim], bias [classes]. Throws Code::invalid_argument where a
  // batch norm stands before it, Code::non_finite for NaN or infinity; nothing is changed then.
  virtual void set_classifier(std::span<const float> weights, std::span<const float> bias) = 0;
  virtual void save(const std::string& path) = 0;
  // The network with its classifier in another library's form (ExportOptions). Throws Code::invalid_argument where the
  // classifier has a batch norm before it, which other libraries do not expect.
  virtual void export_as(const std::string& path, ExportForm form, std::int64_t channels) = 0;
  // As ContrastiveSession's: the next step follows to the last bit.
  virtual void load_state(const std::string& path) = 0;
  virtual void save_state(const std::string& path) = 0;
};

}  // namespace gyrus::train
