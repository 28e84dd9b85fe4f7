// A training batch norm's statistics in the epilogue of the convolution before it: cuDNN sums each channel's values and
// squares while they are in registers, which spares a read of the whole activation. It takes cuDNN's deterministic
// reductions: its GEN_STATS operation adds with atomics, in no fixed order, though its notes do not say so.
//
// The convolution prepares both ways and times them, its plain kernel with our pass over the result; the norm, which is
// bound after it, finds in the plan cache which one was kept.
#include "backend/cuda/dnn/conv2d_statistics.h"

#include <algorithm>
#include <array>
#include <utility>

#include "backend/cuda/dnn/conv2d.h"
#include "backend/cuda/kernels/batch_norm_sums.h"
#include "backend/cuda/launch.h"

namespace gyrus::backend::cuda {
namespace {

using graph::Node;
using graph::OpKind;

constexpr int kApart = 0, kTogether = 1;  // what the cache remembers
constexpr int kRepeats = 3;
// Fewer rows are read again before another kernel could start.
constexpr std::int64_t kLeastRows = 4096;
constexpr const char* kBlock = "sums and squares";

std::int64_t aligned(std::int64_t bytes) { return (bytes + 255) / 256 * 256; }
std::int64_t table_bytes(const ConvShape& shape) { return aligned(shape.co * 4); }
std::string choice_key(const ConvShape& fused) { return text("together or apart, ", key_of(fused)); }
bool is_together(const PlanCache& cache, const std::string& key) {
  return cache.find(key).value_or(kTogether) == kTogether;
}

bool is_normalised(const graph::Graph& graph, graph::ValueId sums) {
  const auto& nodes = graph.nodes();
  return std::any_of(nodes.begin(), nodes.end(),
                     [&](const Node& node) { return node.kind == OpKind::batch_norm && node.inputs[0] == sums; });
}

// The plan with statistics that a convolution may run, or none and why.
struct Found {
  ConvShape fused;
  std::shared_ptr<DnnPlan> plan;
  std::string refusal;
};

Found find_statistics(const NodeContext& convolution) {
  Found found;
  if (convolution.node.kind != OpKind::conv2d || convolution.input_count() != 2) return found;
  if (convolution.in_type(0).dtype != DType::bf16 || convolution.out_shape(0).rows() < kLeastRows) return found;
  if (!is_normalised(convolution.graph, convolution.node.outputs[0])) return found;
  found.fused =
      conv_shape(convolution, ConvShape::Direction::forward, convolution.in_shape(0), convolution.out_shape(0));
  if (!reason_for_columns(found.fused).empty()) return found;
  Dnn& dnn = *convolution.cuda->dnn;
  if (!dnn.convolution(found.fused).plan) return found;  // then the convolution is no kernel of cuDNN's at all
  found.fused.has_statistics = true;
  if (!is_together(dnn.cache(), choice_key(found.fused))) return found;
  const DnnChoice& choice = dnn.convolution(found.fused);
  found.plan = choice.plan;
  found.refusal = choice.refusal;
  return found;
}

class SummingConvolution final : public Kernel {
 public:
  SummingConvolution(const NodeContext& node, Found found)
      : cuda_(node.cuda), shape_(found.fused), key_(choice_key(found.fused)), together_(std::move(found.plan)) {
    PlanCache& cache = node.cuda->dnn->cache();
    ConvShape plain = shape_;
    plain.has_statistics = false;
    if (!cache.find(key_) && cache.is_tuning()) apart_ = node.cuda->dnn->convolution(plain).plan;
    pass_.dtype = shape_.dtype;
    pass_.rows = shape_.n * shape_.oh * shape_.ow;
    pass_.channels = shape_.co;
    if (apart_) pass_bytes_ = aligned(batch_norm_scratch_bytes(pass_));
  }

  std::int64_t scratch_bytes() const override {
    return pass_bytes_ + std::max(together_->scratch_bytes(), apart_ ? apart_->scratch_bytes() : 0);
  }

  void bind(const KernelArgs& args) override {
    pass_.scratch = args.scratch;
    scratch_ = static_cast<std::byte*>(args.scratch) + pass_bytes_;
    void *const sums = args.out[1], *const squares = static_cast<std::byte*>(sums) + table_bytes(shape_);
    operands_ = {args.in[0], args.in[1], args.out[0], sums, squares};
    pass_.x = args.out[0];
    pass_.mean = floats(sums);
    pass_.inv_std = floats(squares);
    choose();
  }

  void run() override {
    if (is_together_) {
      together_->run(operands_, scratch_);
    } else {
      run_apart();
      // What was timed leaves nothing behind.
      cuda_->queue->fill_zero(operands_[3], 2 * table_bytes(shape_));
    }
  }

 private:
  // The sums are then the norm's own affair.
  void run_apart() { apart_->run(std::span(operands_).first(3), scratch_); }

  void choose() {
    PlanCache& cache = cuda_->dnn->cache();
    together_->tune(operands_, scratch_);
    if (apart_ && !cache.find(key_)) {
      apart_->tune(std::span(operands_).first(3), scratch_);
      const double together = seconds([&] { together_->run(operands_, scratch_); });
      const double apart = seconds([&] {
        run_apart();
        batch_norm_statistics(cuda_->queue->stream(), pass_);
      });
      cache.keep(key_, together <= apart ? kTogether : kApart);
    }
    is_together_ = is_together(cache, key_);
  }

  template <class Once>
  double seconds(const Once& once) const {
    once();  // warms up
    return cuda_->queue->seconds([&] {
      for (int i = 0; i < kRepeats; ++i) once();
    });
  }

  std::shared_ptr<const CudaContext> cuda_;
  ConvShape shape_;
  std::string key_;
  std::shared_ptr<DnnPlan> together_, apart_;  // apart_: only while both are to be timed
  BatchNormArgs pass_;                         // of our own over the result, for the timing
  std::int64_t pass_bytes_ = 0;
  std::array<void*, 5> operands_{};
  void* scratch_ = nullptr;
  bool is_together_ = true;
};

class SummedBatchNorm final : public Kernel {
 public:
  SummedBatchNorm(const NodeContext& node, const BatchNormArgs& args, std::string key, PlaceBatchNorm place)
      : cuda_(node.cuda), args_(args), key_(std::move(key)), place_(std::move(place)) {}

  std::int64_t scratch_bytes() const override { return batch_norm_scratch_bytes(args_); }

  void bind(const KernelArgs& args) override {
    place_(args_, args);
    sums_.sums = floats(static_cast<const void*>(args.in.back()));
    sums_.squares = sums_.sums + aligned(args_.channels * 4) / 4;
    sums_.mean = args_.mean;
    sums_.inv_std = args_.inv_std;
    sums_.running_mean = args_.running_mean;
    sums_.running_var = args_.running_var;
    sums_.rows = args_.rows;
    sums_.channels = args_.channels;
    sums_.eps = args_.eps;
    sums_.momentum = args_.momentum;
    is_together_ = is_together(cuda_->dnn->cache(), key_);
  }

  void run() override {
    const Stream stream = cuda_->queue->stream();
    if (!is_together_) {
      batch_norm_forward(stream, args_);
      return;
    }
    batch_norm_from_sums(stream, sums_);
    batch_norm_apply(stream, args_);
  }

 private:
  std::shared_ptr<const CudaContext> cuda_;
  BatchNormArgs args_;
  BatchNormSumsArgs sums_;
  std::string key_;
  PlaceBatchNorm place_;
  bool is_together_ = true;
};

std::int64_t block_bytes(const ConvShape& shape) { return 2 * table_bytes(shape); }

}  // namespace

std::optional<LoweredKernel> make_summing_convolution(const NodeContext& convolution, std::string& refusal) {
  Found found = find_statistics(convolution);
  refusal = std::move(found.refusal);
  if (!found.plan) return std::nullopt;
  LoweredKernel lowered;
  lowered.writes_beside = {{0, kBlock, block_bytes(found.fused)}};
  auto kernel = std::make_unique<SummingConvolution>(convolution, std::move(found));
  lowered.way = {"cudnn, with sums or not"};
  lowered.kernel = std::move(kernel);
  return lowered;
}

std::optional<LoweredKernel> make_summed_batch_norm(const NodeContext& norm, const BatchNormArgs& args,
                                                    PlaceBatchNorm place) {
  const graph::NodeId producer = norm.graph.value(norm.node.inputs[0]).producer;
  if (!producer.is_valid()) return std::nullopt;
  const Found found = find_statistics({{norm.graph, norm.graph.node(producer)}, norm.cuda});
  if (!found.plan) return std::nullopt;
  LoweredKernel lowered;
  lowered.reads_beside = {{0, kBlock, block_bytes(found.fused)}};
  lowered.kernel = std::make_unique<SummedBatchNorm>(norm, args, choice_key(found.fused), std::move(place));
  return lowered;
}

}  // namespace gyrus::backend::cuda
