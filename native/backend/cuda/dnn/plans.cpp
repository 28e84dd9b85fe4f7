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
    std::int64_t most_scratch = 0;
  };

  // Why cuDNN has no engine for the graph; "" where it has one.
  std::string build(const Filters& filters) {
    if (std::string problem = problem_of("validate", graph_.validate()); !problem.empty()) return problem;
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
    return build_candidates();
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

  // All that may be tried; only the one that was chosen before, where the cache knows it. Why there is none, or "".
  std::string build_candidates() {
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
    const std::int64_t wanted = dnn_.cache().is_tuning() ? kMostCandidates : 1;
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

const char* name_of(ConvShape::Direction direction) {
  switch (direction) {
    case ConvShape::Direction::forward:
      return "conv2d";
    case ConvShape::Direction::grad_input:
      return "conv2d_grad_input";
    case ConvShape::Direction::grad_weight:
      return "conv2d_grad_weight";
  }
  return "";
}

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

DnnChoice built(std::shared_ptr<GraphPlan> plan, const GraphPlan::Filters& filters) {
  std::string refusal = plan->build(filters);
  if (!refusal.empty()) return {nullptr, std::move(refusal)};
  return {std::move(plan), ""};
}

}  // namespace

DnnChoice make_convolution_plan(Dnn& dnn, const ConvShape& s) {
  const Extents x{s.n, s.ci, s.h, s.w}, w{s.co, s.ci, s.kh, s.kw}, y{s.n, s.co, s.oh, s.ow};
  auto plan = std::make_shared<GraphPlan>(
      dnn, text(name_of(s.direction), ' ', name_of(s.dtype), ' ', name_of(s.result), " n", s.n, " h", s.h, " w", s.w,
                " ci", s.ci, " co", s.co, " k", s.kh, 'x', s.kw, " s", s.stride, " p", s.padding));
  const auto input = [&](const char* name, const Extents& extents) {
    return plan->input(name, extents, channels_last(extents), s.dtype);
  };
  const auto output = [&](const Tensor& tensor, const Extents& extents, DType dtype) {
    plan->output(tensor, extents, channels_last(extents), dtype);
  };
  switch (s.direction) {
    case ConvShape::Direction::forward: {
      const Tensor a = input("x", x), b = input("w", w);
      output(plan->graph().conv_fprop(a, b, geometry<fe::graph::Conv_fprop_attributes>(s)), y, s.dtype);
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
  return built(plan, convolution_filters(s.dtype));
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
