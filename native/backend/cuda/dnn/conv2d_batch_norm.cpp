// y = relu(batch_norm(conv(x)) + residual) with the running statistics, in one kernel of cuDNN's: the norm's scale goes
// into the weights, and its shift, the residual and the relu are applied while the sums are in registers, which spares
// a write and a read of every activation. So written, with a bias of the images' type, cuDNN has the kernels ready that
// it has for plain convolutions; a scale and a shift in f32 it would have to compile, one by one, at every start.
//
// The convolution's node gets no kernel and its result no memory; the norm's reads what the convolution would have
// read. It prepares both ways, with cuDNN's fused kernel and with its plain one and a sweep of ours in place, times
// them where choices are timed, and remembers which was the faster: a mind that was made up builds one of them only.
#include "backend/cuda/dnn/conv2d.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "backend/cuda/kernels/batch_norm_inference.h"
#include "backend/cuda/kernels/fold_batch_norm.h"
#include "backend/cuda/launch.h"
#include "backend/cuda/packing.h"

namespace gyrus::backend::cuda {
namespace {

using graph::Node;
using graph::NodeId;
using graph::OpKind;
using graph::ValueId;

constexpr int kApart = 0, kTogether = 1;  // what the cache remembers
constexpr int kRepeats = 3;

bool is_read_once(const graph::Graph& graph, ValueId value) {
  std::int64_t readers = 0;
  for (const Node& node : graph.nodes()) readers += std::count(node.inputs.begin(), node.inputs.end(), value);
  const auto& outputs = graph.outputs();
  return readers == 1 &&
         std::none_of(outputs.begin(), outputs.end(), [&](const auto& output) { return output.value == value; });
}

struct Pair {
  const Node* convolution = nullptr;
  ConvShape plain, fused;
  // null: remembered as the slower one, or refused, or not asked for
  std::shared_ptr<DnnPlan> apart, together;
  std::string key, refusal;
};

// Null plans where the two do not go together.
Pair find_pair(const NodeContext& norm) {
  Pair pair;
  const ValueId sums = norm.node.inputs[0];
  const NodeId producer = norm.graph.value(sums).producer;
  if (norm.node.kind != OpKind::batch_norm_inference || !producer.is_valid()) return pair;
  const Node& convolution = norm.graph.node(producer);
  if (convolution.kind != OpKind::conv2d || convolution.inputs.size() != 2) return pair;
  if (!is_read_once(norm.graph, sums)) return pair;
  const NodeContext view{{norm.graph, convolution}, norm.cuda};
  pair.plain = conv_shape(view, ConvShape::Direction::forward, view.in_shape(0), view.out_shape(0));
  // In f32 the kernels without tensor cores that could do both are not worth preparing.
  if (pair.plain.dtype != DType::bf16 || !reason_for_columns(pair.plain).empty()) return pair;
  const auto& attrs = norm.attrs<graph::BatchNormAttrs>();
  pair.fused = pair.plain;
  pair.fused.has_bias = true;
  pair.fused.has_residual = attrs.has_residual;
  pair.fused.has_relu = attrs.has_relu;
  Dnn& dnn = *norm.cuda->dnn;
  pair.key = text("together or apart, ", key_of(pair.fused));
  const std::optional<int> known = dnn.cache().find(pair.key);
  if (known == kApart) return pair;
  const DnnChoice& fused = dnn.convolution(pair.fused);
  pair.refusal = fused.refusal;
  if (!fused.plan) return pair;
  if (known != kTogether && dnn.cache().is_tuning()) pair.apart = dnn.convolution(pair.plain).plan;
  pair.convolution = &convolution;
  pair.together = fused.plan;
  return pair;
}

// Operands: x, folded weights, bias (residual)?; where both ways are prepared then weights, (gamma, beta)?, mean, var.
class ConvolutionBatchNorm final : public Kernel {
 public:
  ConvolutionBatchNorm(const NodeContext& norm, Pair pair) : cuda_(norm.cuda), pair_(std::move(pair)) {
    const auto& attrs = norm.attrs<graph::BatchNormAttrs>();
    has_affine_ = attrs.has_affine;
    sweep_.eps = attrs.eps;
    sweep_.dtype = pair_.plain.dtype;
    sweep_.rows = pair_.plain.n * pair_.plain.oh * pair_.plain.ow;
    sweep_.channels = pair_.plain.co;
    sweep_.has_relu = attrs.has_relu;
  }

  std::int64_t scratch_bytes() const override {
    return std::max(pair_.together->scratch_bytes(), pair_.apart ? pair_.apart->scratch_bytes() : 0);
  }

  void bind(const KernelArgs& args) override {
    scratch_ = args.scratch;
    std::size_t next = 3;
    together_ = {args.in[0], args.in[1]};
    if (pair_.fused.has_residual) {
      sweep_.residual = args.in[next];
      together_.push_back(args.in[next++]);
    }
    together_.push_back(args.in[2]);
    together_.push_back(args.out[0]);
    if (pair_.apart) {
      apart_ = {args.in[0], args.in[next++], args.out[0]};
      if (has_affine_) {
        sweep_.gamma = floats(args.in[next++]);
        sweep_.beta = floats(args.in[next++]);
      }
      sweep_.running_mean = floats(args.in[next++]);
      sweep_.running_var = floats(args.in[next]);
      sweep_.x = sweep_.y = args.out[0];
    }
    choose();
  }

  void run() override { is_together_ ? pair_.together->run(together_, scratch_) : run_apart(); }

 private:
  void run_apart() {
    pair_.apart->run(apart_, scratch_);
    batch_norm_inference_forward(cuda_->queue->stream(), sweep_);
  }

  void choose() {
    pair_.together->tune(together_, scratch_);
    if (!pair_.apart) return;
    PlanCache& cache = cuda_->dnn->cache();
    if (const auto known = cache.find(pair_.key)) {
      is_together_ = known == kTogether;
      return;
    }
    pair_.apart->tune(apart_, scratch_);
    const auto seconds = [&](auto&& once) {
      once();  // warms up
      return cuda_->queue->seconds([&] {
        for (int i = 0; i < kRepeats; ++i) once();
      });
    };
    is_together_ = seconds([&] { pair_.together->run(together_, scratch_); }) <= seconds([&] { run_apart(); });
    cache.keep(pair_.key, is_together_ ? kTogether : kApart);
  }

  std::shared_ptr<const CudaContext> cuda_;
  Pair pair_;
  bool has_affine_ = false, is_together_ = true;
  BatchNormInferenceArgs sweep_;  // in place
  std::vector<void*> together_, apart_;
  void* scratch_ = nullptr;
};

// The norm's parameters: graph/ops/batch_norm_inference.cpp.
struct NormValues {
  std::vector<ValueId> affine;  // gamma, beta, or none
  ValueId mean, var;
  std::vector<ValueId> residual;  // or none
};

NormValues values_of(const NodeContext& norm) {
  const auto& attrs = norm.attrs<graph::BatchNormAttrs>();
  const auto& in = norm.node.inputs;
  NormValues values;
  std::size_t next = 1;
  if (attrs.has_affine) {
    values.affine = {in[1], in[2]};
    next = 3;
  }
  values.mean = in[next++];
  values.var = in[next++];
  if (attrs.has_residual) values.residual = {in[next]};
  return values;
}

PackRequest request_folded_weights(const NodeContext& norm, const Pair& pair, const NormValues& values) {
  FoldWeightsArgs args;
  args.dtype = pair.plain.dtype;
  args.out_channels = pair.plain.co;
  args.in_channels = pair.plain.ci;
  args.window = pair.plain.kh * pair.plain.kw;
  args.eps = norm.attrs<graph::BatchNormAttrs>().eps;
  const auto make = [args, cuda = norm.cuda]() -> std::unique_ptr<Kernel> {
    const auto place = [](FoldWeightsArgs& a, const KernelArgs& k) {
      a.masters = floats(static_cast<const void*>(k.in[0]));
      a.var = floats(static_cast<const void*>(k.in[1]));
      if (k.in.size() > 2) a.gamma = floats(static_cast<const void*>(k.in[2]));
      a.packed = k.out[0];
    };
    return std::make_unique<Launch<FoldWeightsArgs>>(cuda, args, fold_weights, place, 0);
  };
  PackRequest request{1,
                      "folded with " + norm.node.name,
                      args.out_channels * args.in_channels * args.window * size_of(args.dtype),
                      make,
                      {values.var}};
  if (!values.affine.empty()) request.also_reads.push_back(values.affine[0]);
  return request;
}

PackRequest request_folded_bias(const NodeContext& norm, const Pair& pair, const NormValues& values) {
  FoldBiasArgs args;
  args.dtype = pair.plain.dtype;
  args.channels = pair.plain.co;
  args.eps = norm.attrs<graph::BatchNormAttrs>().eps;
  const auto make = [args, cuda = norm.cuda]() -> std::unique_ptr<Kernel> {
    const auto place = [](FoldBiasArgs& a, const KernelArgs& k) {
      a.mean = floats(static_cast<const void*>(k.in[0]));
      a.var = floats(static_cast<const void*>(k.in[1]));
      if (k.in.size() > 2) {
        a.gamma = floats(static_cast<const void*>(k.in[2]));
        a.beta = floats(static_cast<const void*>(k.in[3]));
      }
      a.bias = k.out[0];
    };
    return std::make_unique<Launch<FoldBiasArgs>>(cuda, args, fold_bias, place, 0);
  };
  PackRequest request{2, "folded with " + norm.node.name, args.channels * size_of(args.dtype), make, {values.var}};
  request.also_reads.insert(request.also_reads.end(), values.affine.begin(), values.affine.end());
  return request;
}

}  // namespace

bool is_left_to_batch_norm(const NodeContext& convolution) {
  const ValueId sums = convolution.node.outputs[0];
  const auto& nodes = convolution.graph.nodes();
  const auto reader = std::find_if(nodes.begin(), nodes.end(), [&](const Node& node) {
    return node.kind == OpKind::batch_norm_inference && node.inputs[0] == sums;
  });
  return reader != nodes.end() && find_pair({{convolution.graph, *reader}, convolution.cuda}).together != nullptr;
}

std::string batch_norm_refusal(const NodeContext& norm) { return find_pair(norm).refusal; }

std::optional<LoweredKernel> make_conv2d_batch_norm(const NodeContext& norm) {
  Pair pair = find_pair(norm);
  if (!pair.together) return std::nullopt;
  const NormValues values = values_of(norm);
  const ValueId x = pair.convolution->inputs[0], w = pair.convolution->inputs[1];
  LoweredKernel lowered;
  lowered.reads = {x, w, values.mean};
  lowered.reads.insert(lowered.reads.end(), values.residual.begin(), values.residual.end());
  lowered.packs.push_back(request_folded_weights(norm, pair, values));
  lowered.packs.push_back(request_folded_bias(norm, pair, values));
  if (pair.apart) {
    PackRequest plain = request_channels_last({{norm.graph, *pair.convolution}, norm.cuda}, 1, pair.plain.dtype);
    plain.input = lowered.reads.size();
    lowered.packs.push_back(std::move(plain));
    lowered.reads.push_back(w);
    lowered.reads.insert(lowered.reads.end(), values.affine.begin(), values.affine.end());
    lowered.reads.push_back(values.mean);
    lowered.reads.push_back(values.var);
  }
  lowered.way = {pair.apart ? "cudnn, fused or not" : "cudnn, fused"};
  lowered.kernel = std::make_unique<ConvolutionBatchNorm>(norm, std::move(pair));
  return lowered;
}

}  // namespace gyrus::backend::cuda
