// cuDNN's graphs: convolutions in three directions and attention in two. The only file that includes cuDNN's C++
// frontend, which alone takes half a minute to compile.
#include <cudnn_frontend.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "backend/cuda/dnn/dnn.h"
#include "core/error.h"

namespace gyrus::backend::cuda {
namespace {

namespace fe = cudnn_frontend;
using Tensor = std::shared_ptr<fe::graph::Tensor_attributes>;
using Extents = std::vector<std::int64_t>;

constexpr std::int64_t kMostConvolutionScratch = std::int64_t{512} << 20;
// The deterministic gradient keeps two bytes a score on Hopper, tokens rounded up to 128: 768 MiB for 512 images of a
// ViT-B.
constexpr std::int64_t kMostAttentionScratch = std::int64_t{4} << 30;
constexpr std::int64_t kMostCandidates = 4;
// Of graphs that cuDNN has no kernels ready for: it compiles each, half a second to a second.
constexpr std::int64_t kMostSums = 1, kMostGelus = 2;
constexpr int kRepeats = 3;

fe::DataType_t fe_type(DType dtype) {
  GYRUS_ASSERT(dtype == DType::f32 || dtype == DType::bf16);
  return dtype == DType::f32 ? fe::DataType_t::FLOAT : fe::DataType_t::BFLOAT16;
}

// [N, C, H, W] as cuDNN counts it, of an array [N, H, W, C].
Extents channels_last(const Extents& e) { return {e[1] * e[2] * e[3], 1, e[3] * e[1], e[1]}; }

// One graph with the candidates that the heuristics give, best first. Operand i has the uid i + 1.
class GraphPlan final : public DnnPlan {
 public:
  GraphPlan(Dnn& dnn, std::string key) : dnn_(dnn), key_(std::move(key)) {
    graph_.set_intermediate_data_type(fe::DataType_t::FLOAT).set_compute_data_type(fe::DataType_t::FLOAT);
    // Before the first operation: each keeps the capability that the graph had when it was added.
    if (dnn.described()) graph_.set_sm_version(dnn.described()->capability);
  }

  fe::graph::Graph& graph() { return graph_; }

  Tensor input(const char* name, const Extents& extents, const Extents& strides, DType dtype) {
    return graph_.tensor(fe::graph::Tensor_attributes()
                             .set_name(name)
                             .set_dim(extents)
                             .set_stride(strides)
                             .set_data_type(fe_type(dtype))
                             .set_uid(++operands_));
  }
  void output(const Tensor& tensor, const Extents& extents, const Extents& strides, DType dtype) {
    tensor->set_output(true).set_dim(extents).set_stride(strides).set_data_type(fe_type(dtype)).set_uid(++operands_);
  }

  struct Filters {
    std::vector<fe::NumericalNote_t> excluded;
    std::int64_t most_scratch = 0, most_candidates = kMostCandidates;
  };

  // Why cuDNN has no engine for the graph; "" where it has one.
  std::string build(const Filters& filters) {
    if (std::string problem = problem_of("validate", graph_.validate()); !problem.empty()) return problem;
    if (std::string problem = problem_of("device", describe_device()); !problem.empty()) return problem;
    if (std::string problem = problem_of("build_operation_graph", graph_.build_operation_graph(dnn_.handle()));
        !problem.empty()) {
      return problem;
    }
    if (std::string problem = problem_of("create_execution_plans",
                                         graph_.create_execution_plans({fe::HeurMode_t::A, fe::HeurMode_t::FALLBACK}));
        !problem.empty()) {
      return problem;
    }
    graph_.deselect_numeric_notes(filters.excluded);
    graph_.deselect_workspace_greater_than(filters.most_scratch);
    if (std::string problem = problem_of("check_support", graph_.check_support()); !problem.empty()) return problem;
    return build_candidates(filters.most_candidates);
  }

  std::int64_t scratch_bytes() const override { return scratch_bytes_; }

  void run(std::span<void* const> operands, void* scratch) override {
    fe::error_t status = start(operands, scratch, choice_);
    GYRUS_CHECK(status.is_good(), Code::internal, "cuDNN: ", status.get_message(), " from ", key_);
  }

  void tune(std::span<void* const> operands, void* scratch) override {
    if (candidates_.size() < 2 || is_tuned_) return;
    double best = std::numeric_limits<double>::infinity();
    std::optional<std::int64_t> fastest;
    for (const std::int64_t candidate : candidates_) {
      if (start(operands, scratch, candidate).is_bad()) continue;  // warms up
      const double seconds = dnn_.queue().seconds([&] {
        for (int i = 0; i < kRepeats; ++i) (void)start(operands, scratch, candidate);
      });
      if (seconds < best) {
        best = seconds;
        fastest = candidate;
      }
    }
    is_tuned_ = true;
    // Where all refused, run() says so; a choice that was never seen to work is nothing to remember.
    if (!fastest) return;
    choice_ = *fastest;
    dnn_.cache().keep(key_, static_cast<int>(choice_));
  }

 private:
  static std::string problem_of(const char* call, fe::error_t status) {
    return status.is_bad() ? text(call, ": ", status.get_message()) : "";
  }

  fe::error_t describe_device() {
    if (!dnn_.described()) return {};
    const auto device = std::make_shared<fe::DeviceProperties>();
    const std::string& json = dnn_.described()->json;
    fe::error_t status = device->deserialize(std::vector<std::uint8_t>(json.begin(), json.end()));
    graph_.set_device_properties(device);
    return status;
  }

  // All that may be tried; only the one that was chosen before, where the cache knows it. Why there is none, or "".
  std::string build_candidates(std::int64_t most) {
    const std::int64_t count = graph_.get_execution_plan_count();
    std::string problem;
    const auto take = [&](std::int64_t index) {
      std::string refusal = problem_of("build_plan_at_index", graph_.build_plan_at_index(index));
      if (!refusal.empty()) {
        problem = std::move(refusal);
        return false;
      }
      candidates_.push_back(index);
      scratch_bytes_ = std::max(scratch_bytes_, graph_.get_workspace_size_plan_at_index(index));
      return true;
    };
    if (const auto known = dnn_.cache().find(key_); known && *known < count && take(*known)) {
      choice_ = *known;
      is_tuned_ = true;
      return "";
    }
    const std::int64_t wanted = dnn_.cache().is_tuning() ? most : 1;
    for (std::int64_t i = 0; i < count && static_cast<std::int64_t>(candidates_.size()) < wanted; ++i) take(i);
    if (candidates_.empty()) return problem.empty() ? "its heuristics list no engine" : problem;
    choice_ = candidates_.front();
    return "";
  }

  fe::error_t start(std::span<void* const> operands, void* scratch, std::int64_t candidate) {
    std::unordered_map<std::int64_t, void*> pack;
    for (std::size_t i = 0; i < operands.size(); ++i) pack[static_cast<std::int64_t>(i) + 1] = operands[i];
    return graph_.execute_plan_at_index(dnn_.handle(), pack, scratch, candidate);
  }

  Dnn& dnn_;
  std::string key_;
  fe::graph::Graph graph_;
  std::int64_t operands_ = 0;
  std::vector<std::int64_t> candidates_;
  std::int64_t choice_ = 0, scratch_bytes_ = 0;
  bool is_tuned_ = false;
};

template <class Attributes>
Attributes geometry(const ConvShape& s) {
  return Attributes().set_padding({s.padding, s.padding}).set_stride({s.stride, s.stride}).set_dilation({1, 1});
}

// The same inputs give the same bits; and f32 stays f32, which on tensor cores would be rounded to TF32.
GraphPlan::Filters convolution_filters(DType dtype) {
  using Note = fe::NumericalNote_t;
  GraphPlan::Filters filters{{Note::NONDETERMINISTIC}, kMostConvolutionScratch};
  if (dtype == DType::f32) {
    filters.excluded.insert(filters.excluded.end(), {Note::TENSOR_CORE, Note::DOWN_CONVERT_INPUTS,
                                                     Note::REDUCED_PRECISION_REDUCTION, Note::WINOGRAD});
  }
  return filters;
}

// What lies in memory as a matrix [rows, columns], row by row, as cuDNN's products want it.
Extents matrix(std::int64_t rows, std::int64_t columns) { return {1, rows, columns}; }
Extents rows_first(std::int64_t rows, std::int64_t columns) { return {rows * columns, columns, 1}; }

Tensor pointwise(GraphPlan& plan, fe::PointwiseMode_t mode, const Tensor& x) {
  return plan.graph().pointwise(x, fe::graph::Pointwise_attributes().set_mode(mode));
}
Tensor pointwise(GraphPlan& plan, fe::PointwiseMode_t mode, const Tensor& x, const Tensor& b) {
  return plan.graph().pointwise(x, b, fe::graph::Pointwise_attributes().set_mode(mode));
}

// What follows the convolution: inputs that are asked for in this order behind x and w.
Tensor with_epilogue(GraphPlan& plan, const ConvShape& s, Tensor y) {
  using Mode = fe::PointwiseMode_t;
  const Extents channels{1, s.co, 1, 1}, images{s.n, s.co, s.oh, s.ow};
  // This order is the one that cuDNN has compiled kernels for.
  if (s.has_residual) {
    y = pointwise(plan, Mode::ADD, y, plan.input("residual", images, channels_last(images), s.dtype));
  }
  if (s.has_bias) y = pointwise(plan, Mode::ADD, y, plan.input("bias", channels, channels_last(channels), s.dtype));
  return s.has_relu ? pointwise(plan, Mode::RELU_FWD, y) : y;
}

// Sums over images and positions, in an order that is the same every time.
void add_statistics(GraphPlan& plan, const ConvShape& s, const Tensor& y) {
  const Extents channels{1, s.co, 1, 1};
  for (const Tensor& terms : {y, pointwise(plan, fe::PointwiseMode_t::MUL, y, y)}) {
    const Tensor sums = plan.graph().reduction(
        terms, fe::graph::Reduction_attributes().set_mode(fe::ReductionMode_t::ADD).set_is_deterministic(true));
    plan.output(sums, channels, channels_last(channels), DType::f32);
  }
}

DnnChoice built(std::shared_ptr<GraphPlan> plan, const GraphPlan::Filters& filters) {
  std::string refusal = plan->build(filters);
  if (!refusal.empty()) return {nullptr, std::move(refusal)};
  return {std::move(plan), ""};
}

}  // namespace

DnnChoice make_convolution_plan(Dnn& dnn, const ConvShape& s) {
  const Extents x{s.n, s.ci, s.h, s.w}, w{s.co, s.ci, s.kh, s.kw}, y{s.n, s.co, s.oh, s.ow};
  auto plan = std::make_shared<GraphPlan>(dnn, key_of(s));
  const auto input = [&](const char* name, const Extents& extents) {
    return plan->input(name, extents, channels_last(extents), s.dtype);
  };
  const auto output = [&](const Tensor& tensor, const Extents& extents, DType dtype) {
    plan->output(tensor, extents, channels_last(extents), dtype);
  };
  switch (s.direction) {
    case ConvShape::Direction::forward: {
      const Tensor a = input("x", x), b = input("w", w);
      const Tensor sums = plan->graph().conv_fprop(a, b, geometry<fe::graph::Conv_fprop_attributes>(s));
      const Tensor result = with_epilogue(*plan, s, sums);
      output(result, y, s.dtype);
      if (s.has_statistics) add_statistics(*plan, s, result);
      break;
    }
    case ConvShape::Direction::grad_input: {
      const Tensor a = input("dy", y), b = input("w", w);
      output(plan->graph().conv_dgrad(a, b, geometry<fe::graph::Conv_dgrad_attributes>(s)), x, s.dtype);
      break;
    }
    case ConvShape::Direction::grad_weight: {
      const Tensor a = input("x", x), b = input("dy", y);
      output(plan->graph().conv_wgrad(b, a, geometry<fe::graph::Conv_wgrad_attributes>(s)), w, s.result);
      break;
    }
  }
  GraphPlan::Filters filters = convolution_filters(s.dtype);
  if (s.has_statistics) filters.most_candidates = kMostSums;
  return built(plan, filters);
}

DnnChoice make_gelu_plan(Dnn& dnn, const GeluShape& s) {
  auto plan = std::make_shared<GraphPlan>(dnn, key_of(s));
  const Tensor x = plan->input("x", matrix(s.rows, s.inner), rows_first(s.rows, s.inner), DType::bf16),
               // [columns, inner] in memory, which is [inner, columns] column by column.
      w = plan->input("w", matrix(s.inner, s.columns), {s.columns * s.inner, 1, s.inner}, DType::bf16),
               bias = plan->input("bias", matrix(1, s.columns), rows_first(1, s.columns), DType::bf16);
  const Tensor pre = pointwise(*plan, fe::PointwiseMode_t::ADD,
                               plan->graph().matmul(x, w, fe::graph::Matmul_attributes().set_name("product")), bias);
  const Tensor y = pointwise(*plan, fe::PointwiseMode_t::GELU_FWD, pre);
  for (const Tensor& result : {pre, y}) {
    plan->output(result, matrix(s.rows, s.columns), rows_first(s.rows, s.columns), DType::bf16);
  }
  GraphPlan::Filters filters = convolution_filters(DType::bf16);
  filters.most_candidates = kMostGelus;
  return built(plan, filters);
}

DnnChoice make_attention_plan(Dnn& dnn, const AttentionShape& s) {
  auto plan = std::make_shared<GraphPlan>(dnn, text(s.is_gradient ? "attention_grad" : "attention", " bf16 n", s.images,
                                                    " t", s.tokens, " heads", s.heads, " hd", s.head_dim));
  const std::int64_t width = s.heads * s.head_dim;
  const Extents extents{s.images, s.heads, s.tokens, s.head_dim};
  const Extents packed{s.tokens * 3 * width, s.head_dim, 3 * width, 1}, dense{s.tokens * width, s.head_dim, width, 1};
  const Extents stats{s.images, s.heads, s.tokens, 1}, stats_strides{s.heads * s.tokens, s.tokens, 1, 1};
  const float scale = 1.0F / std::sqrt(static_cast<float>(s.head_dim));
  const Tensor q = plan->input("q", extents, packed, DType::bf16), k = plan->input("k", extents, packed, DType::bf16),
               v = plan->input("v", extents, packed, DType::bf16);
  if (!s.is_gradient) {
    const auto [y, sums] = plan->graph().sdpa(
        q, k, v, fe::graph::SDPA_attributes().set_name("attention").set_generate_stats(true).set_attn_scale(scale));
    plan->output(y, extents, dense, DType::bf16);
    plan->output(sums, stats, stats_strides, DType::f32);
  } else {
    const Tensor y = plan->input("y", extents, dense, DType::bf16), dy = plan->input("dy", extents, dense, DType::bf16),
                 sums = plan->input("stats", stats, stats_strides, DType::f32);
    const auto [dq, dk, dv] = plan->graph().sdpa_backward(q, k, v, y, dy, sums,
                                                          fe::graph::SDPA_backward_attributes()
                                                              .set_name("attention_grad")
                                                              .set_attn_scale(scale)
                                                              .set_deterministic_algorithm(true));
    for (const Tensor& gradient : {dq, dk, dv}) plan->output(gradient, extents, packed, DType::bf16);
  }
  // No filter of notes: the graph asks for the deterministic gradient, whatever an engine's notes say of itself.
  return built(plan, {{}, kMostAttentionScratch});
}

}  // namespace gyrus::backend::cuda
