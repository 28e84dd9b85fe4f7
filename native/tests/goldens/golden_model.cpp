#include "tests/goldens/golden_model.h"

#include <algorithm>

#include "core/error.h"
#include "passes/passes.h"
#include "tests/goldens/golden_fill.h"

namespace gyrus::tests {
namespace {

using graph::Role;

graph::ValueId output_of(const graph::Graph& graph, const std::string& name) {
  for (const auto& output : graph.outputs()) {
    if (output.name == name) return output.value;
  }
  throw Error(Code::name, text("the model has no output '", name, "'"));
}

// The passes of a trainer (train/compile.cpp), without an optimizer.
graph::Graph lower(const graph::Graph& graph, const GoldenModel& model, nn::Mode mode, DType compute) {
  graph::Graph step = passes::fuse_forward(passes::simplify(passes::prune_tokens(passes::precision(graph, compute))));
  if (mode == nn::Mode::training) {
    passes::Target target{output_of(step, model.target), std::nullopt};
    if (!model.seed.empty()) target.seed = step.find_source(Role::input, model.seed);
    std::vector<std::string> trainable;
    for (const auto& spec : model.specs) {
      if (!spec.is_buffer && spec.is_trainable) trainable.push_back(spec.name);
    }
    step = passes::recompute(passes::fuse_gradients(passes::autodiff(step, std::span(&target, 1), trainable)));
  }
  return passes::schedule(passes::simplify(step));
}

void write(std::span<const float> values, DType dtype, void* out) {
  if (dtype == DType::f64) {
    std::ranges::copy(values, static_cast<double*>(out));
  } else if (dtype == DType::i32) {
    std::ranges::transform(values, static_cast<std::int32_t*>(out),
                           [](float v) { return static_cast<std::int32_t>(v); });
  } else {
    std::ranges::copy(values, static_cast<float*>(out));
  }
}

}  // namespace

GoldenRun::GoldenRun(const GoldenModel& model, nn::Mode mode, const backend::Backend& backend, DType compute)
    : storage_(backend.describe().storage), store_(model.specs, storage_) {
  graph::Graph graph;
  nn::Scope scope{graph, "", "", Role::parameter, "", mode};
  model.build(scope);
  for (const auto& spec : model.specs) {
    const std::string name = model.fill_name ? model.fill_name(spec.name) : spec.name;
    write(golden_parameter(name, spec.shape, model.last_norm), storage_, store_.parameter(spec.name));
  }
  store_.bump_version();
  if (mode == nn::Mode::training) store_.allocate_training(0);
  const graph::Graph lowered = lower(graph, model, mode, compute);
  for (const auto& value : lowered.values()) {
    if (value.role == Role::input) input_names_.emplace_back(value.bare_name());
  }
  program_ =
      runtime::Program::compile(lowered, backend, store_, {.has_constant_parameters = mode == nn::Mode::inference});
}

void GoldenRun::run(const Inputs& inputs) {
  std::vector<std::vector<std::byte>> arrays;
  std::vector<const void*> pointers;
  for (const std::string& name : input_names_) {
    const std::vector<float>& values = inputs.at(name);
    const DType dtype = name.starts_with("labels") ? DType::i32 : storage_;
    arrays.emplace_back(values.size() * static_cast<std::size_t>(size_of(dtype)));
    write(values, dtype, arrays.back().data());
    pointers.push_back(arrays.back().data());
  }
  program_->run(pointers, {});
}

std::vector<double> GoldenRun::output(const std::string& name) const {
  return read(program_->output(name), program_->output_shape(name).elements());
}

std::vector<double> GoldenRun::read(const void* data, const std::string& name) const {
  return read(data, store_.find(name)->spec.shape.elements());
}

std::vector<double> GoldenRun::read(const void* data, std::int64_t count) const {
  if (storage_ == DType::f64) return {static_cast<const double*>(data), static_cast<const double*>(data) + count};
  return {static_cast<const float*>(data), static_cast<const float*>(data) + count};
}

}  // namespace gyrus::tests
