// The optimizers' and the momentum encoder's sweeps over the arenas, and the sums of micro-batches. Which piece belongs
// to which segment is a table on the device, copied there when a kernel is bound.
#include <utility>

#include "backend/cuda/kernels/adamw_update.h"
#include "backend/cuda/kernels/ema_update.h"
#include "backend/cuda/kernels/gradient_accumulate.h"
#include "backend/cuda/kernels/lars_update.h"
#include "backend/cuda/kernels/sgd_update.h"
#include "backend/cuda/launch.h"
#include "backend/cuda/ops/makers.h"

namespace gyrus::backend::cuda {
namespace {

std::vector<SweepSegment> sweep_segments(const ArenaView& arenas) {
  std::vector<SweepSegment> segments;
  for (const Segment& segment : arenas.segments) {
    segments.push_back(
        {segment.offset, segment.count, segment.has_weight_decay, segment.has_lars_adaptation, segment.lr_scale});
  }
  return segments;
}

// SGD without momentum has no buffer.
template <class Args>
bool needs_slot(const Args&) {
  return true;
}
template <>
bool needs_slot(const SgdUpdateArgs& args) {
  return args.momentum != 0;
}

template <class Args>
class Sweep final : public Kernel {
 public:
  using Start = void (*)(Stream, const Args&);
  Sweep(std::shared_ptr<const CudaContext> cuda, const Args& args, Start start)
      : cuda_(std::move(cuda)), args_(args), start_(start) {}

  // How many tensors there are is known only when arenas are bound: scratch is the kernel's own.
  void bind(const KernelArgs& args) override {
    const ArenaView& arenas = args.arenas;
    const std::vector<SweepSegment> segments = sweep_segments(arenas);
    const std::vector<SweepChunk> chunks = make_sweep_chunks(segments);
    const auto bytes = static_cast<std::int64_t>(chunks.size() * sizeof(SweepChunk));
    CudaQueue& queue = *cuda_->queue;
    chunks_ = queue.allocate(bytes, MemoryKind::device);
    queue.copy_to_device(chunks_.get(), chunks.data(), bytes);
    queue.synchronize();
    SweepArgs& sweep = args_.sweep;
    sweep.parameters = floats(arenas.parameters);
    sweep.gradients = floats(arenas.gradients);
    sweep.slot0 = floats(needs_slot(args_) ? arenas.slot0 : nullptr);
    sweep.slot1 = floats(arenas.slot1);
    sweep.chunks = static_cast<const SweepChunk*>(chunks_.get());
    sweep.chunk_count = static_cast<std::int64_t>(chunks.size());
    sweep.segment_count = static_cast<std::int64_t>(segments.size());
    sweep.hyper = args.hyper;
    if constexpr (requires { lars_update_scratch_bytes(args_); }) {
      scratch_ = queue.allocate(lars_update_scratch_bytes(args_), MemoryKind::device);
      sweep.scratch = scratch_.get();
    }
  }
  void run() override { start_(cuda_->queue->stream(), args_); }

 private:
  std::shared_ptr<const CudaContext> cuda_;
  Args args_;
  Start start_;
  std::shared_ptr<void> chunks_, scratch_;
};

template <class Args>
LoweredKernel sweep(const NodeContext& node, const Args& args, void (*start)(Stream, const Args&)) {
  return {std::make_unique<Sweep<Args>>(node.cuda, args, start), {}};
}

}  // namespace

LoweredKernel make_sgd_update(const NodeContext& node) {
  const auto& attrs = node.attrs<graph::SgdAttrs>();
  SgdUpdateArgs args;
  args.momentum = attrs.momentum;
  args.dampening = attrs.dampening;
  args.is_nesterov = attrs.nesterov;
  return sweep(node, args, sgd_update);
}

LoweredKernel make_adamw_update(const NodeContext& node) {
  const auto& attrs = node.attrs<graph::AdamwAttrs>();
  AdamwUpdateArgs args;
  args.beta1 = attrs.beta1;
  args.beta2 = attrs.beta2;
  args.eps = attrs.eps;
  return sweep(node, args, adamw_update);
}

LoweredKernel make_lars_update(const NodeContext& node) {
  const auto& attrs = node.attrs<graph::LarsAttrs>();
  LarsUpdateArgs args;
  args.is_solo_learn = attrs.variant == graph::LarsVariant::solo_learn;
  args.momentum = attrs.momentum;
  args.trust = attrs.trust;
  args.eps = attrs.eps;
  args.clips = attrs.clip;
  return sweep(node, args, lars_update);
}

LoweredKernel make_gradient_accumulate(const NodeContext& node) {
  return {launch(node, GradientAccumulateArgs{}, gradient_accumulate,
                 [](GradientAccumulateArgs& a, const KernelArgs& k) {
                   a.gradients = floats(k.arenas.gradients);
                   a.accumulator = floats(k.arenas.accumulator);
                   a.count = k.arenas.trainable_count;
                   a.hyper = k.hyper;
                 }),
          {}};
}

LoweredKernel make_ema_update(const NodeContext& node) {
  return {launch(node, EmaUpdateArgs{}, ema_update,
                 [](EmaUpdateArgs& a, const KernelArgs& k) {
                   a.ema = floats(k.arenas.ema);
                   a.parameters = floats(static_cast<const void*>(k.arenas.parameters));
                   a.count = k.arenas.ema_count;
                   a.hyper = k.hyper;
                 }),
          {}};
}

}  // namespace gyrus::backend::cuda
