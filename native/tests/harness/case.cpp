#include "tests/harness/case.h"

#include "core/error.h"
#include "graph/ops.h"

namespace gyrus::tests {

using graph::Role;

ValueId CaseGraph::add_source(Source source) {
  const ValueId id = graph_.add_source(source.role, source.name, source.type);
  sources_.push_back(std::move(source));
  return id;
}

ValueId CaseGraph::activation(const std::string& name, const Shape& shape, Fill fill) {
  const ValueId master = parameter(name, shape, fill);
  return compute_ == DType::f32 ? master : graph::cast(graph_, master, compute_, text(name, "/cast"));
}

ValueId CaseGraph::parameter(const std::string& name, const Shape& shape, Fill fill) {
  return add_source({name, Role::parameter, {shape, DType::f32}, fill});
}

ValueId CaseGraph::input(const std::string& name, const Shape& shape, Fill fill) {
  return add_source({name, Role::input, {shape, DType::f32}, fill});
}

ValueId CaseGraph::buffer(const std::string& name, const Shape& shape, Fill fill) {
  return add_source({name, Role::buffer, {shape, DType::f32}, fill});
}

ValueId CaseGraph::labels(const std::string& name, std::int64_t rows, std::int64_t classes) {
  return add_source({name, Role::input, {Shape{rows}, DType::i32}, Fill::zero, classes});
}

ValueId CaseGraph::momentum_copy(const std::string& parameter) {
  const graph::ValueType type = graph_.value(graph_.find_source(Role::parameter, parameter)).type;
  return add_source({parameter, Role::ema, type, Fill::zero});
}

ValueId CaseGraph::add_result(ValueId value, const std::string& name) {
  if (graph_.value(value).dtype() != DType::f32) value = graph::cast(graph_, value, DType::f32, text(name, "/cast"));
  graph_.mark_output(value, name);
  return value;
}

void CaseGraph::plain_result(ValueId value, const std::string& name) {
  add_result(value, name);
  results_.push_back({name, "", false});
}

void CaseGraph::loss(ValueId value, const std::string& name) {
  add_result(value, name);
  results_.push_back({name, "", true});
}

void CaseGraph::seeded_result(ValueId value, const std::string& name) {
  const ValueId result = add_result(value, name);
  const std::string seed = text("seed of ", name);
  input(seed, graph_.value(result).shape());
  results_.push_back({name, seed, true});
}

graph::Graph CaseGraph::lower(bool is_fused, passes::FuseCounts* counts) const {
  graph::Graph lowered = is_fused ? passes::fuse_forward(graph_, counts) : graph_;
  std::vector<passes::Target> targets;
  for (const Result& result : results_) {
    if (!result.is_target) continue;
    passes::Target target;
    for (const auto& output : lowered.outputs()) {
      if (output.name == result.name) target.value = output.value;
    }
    if (!result.seed.empty()) target.seed = lowered.find_source(Role::input, result.seed);
    targets.push_back(target);
  }
  std::vector<std::string> parameters;
  for (const Source& source : sources_) {
    if (source.role == Role::parameter) parameters.push_back(source.name);
  }
  if (!targets.empty()) lowered = passes::autodiff(lowered, targets, parameters);
  if (is_fused) {
    passes::FuseCounts backward;
    lowered = passes::fuse_gradients(lowered, &backward);
    if (counts != nullptr) counts->gradient_add += backward.gradient_add;
  }
  return passes::schedule(passes::simplify(lowered));
}

graph::ParameterSpecs CaseGraph::specs() const {
  graph::ParameterSpecs specs;
  for (const Source& source : sources_) {
    if (source.role != Role::parameter && source.role != Role::buffer) continue;
    specs.push_back({.name = source.name,
                     .shape = source.type.shape,
                     .is_buffer = source.role == Role::buffer,
                     .has_ema = graph_.find_source(Role::ema, source.name).is_valid(),
                     .has_weight_decay = source.type.shape.rank() > 1,
                     .lr_scale = source.name.starts_with("slow") ? kSlow : 1.0F});
  }
  return specs;
}

std::vector<double> CaseGraph::initial_values(const Source& source) const {
  const std::int64_t count = source.type.shape.elements();
  if (source.type.dtype == DType::i32) {
    const auto labels = fill_labels(source.name, count, source.classes);
    return {labels.begin(), labels.end()};
  }
  const Fill fill = is_exact_ && source.fill != Fill::zero ? Fill::small_integers : source.fill;
  return fill_values(source.name, count, fill, compute_ == DType::bf16);
}

}  // namespace gyrus::tests
