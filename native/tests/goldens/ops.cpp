// Every operation against PyTorch: results and gradients of small cases, on the reference backend and on the CPU in f32
// and bf16. The cases stand in test/goldens/ops.py; their inputs are exact in bf16, so errors are the operation's own.
#include <functional>
#include <map>
#include <string>

#include "backend/backend.h"
#include "graph/ops.h"
#include "tests/goldens/golden_file.h"
#include "tests/goldens/golden_fill.h"
#include "tests/harness/case_program.h"
#include "tests/harness/compare.h"
#include "tests/harness/suites.h"
#include "tests/harness/test_device.h"

namespace gyrus::tests::suites {
namespace {

using Builder = std::function<void(CaseGraph&, const GoldenOptions&)>;

void build_conv2d(CaseGraph& c, const GoldenOptions& o) {
  const ValueId x = c.activation("x", o.shape("x")), w = c.parameter("w", o.shape("w"));
  std::optional<ValueId> bias;
  if (o.has("bias")) bias = c.parameter("bias", {o.shape("w")[0]});
  c.seeded_result(graph::conv2d(c.graph(), x, w, bias, o.integer("stride"), o.integer("padding"), "conv2d"), "y");
}

void build_linear(CaseGraph& c, const GoldenOptions& o) {
  const ValueId x = c.activation("x", o.shape("x")), w = c.parameter("w", o.shape("w"));
  std::optional<ValueId> bias;
  if (o.has("bias")) bias = c.parameter("bias", {o.shape("w")[0]});
  c.seeded_result(graph::linear(c.graph(), x, w, bias, "linear"), "y");
}

graph::BatchNormParameters batch_norm_parameters(CaseGraph& c, const GoldenOptions& o) {
  const Shape channels{o.shape("x").back()};
  graph::BatchNormParameters parameters;
  if (o.integer("affine") != 0) {
    parameters.gamma = c.parameter("gamma", channels);
    parameters.beta = c.parameter("beta", channels);
  }
  parameters.running_mean = c.buffer("running_mean", channels, Fill::small);
  parameters.running_var = c.buffer("running_var", channels, Fill::positive);
  return parameters;
}

void build_batch_norm(CaseGraph& c, const GoldenOptions& o) {
  const ValueId x = c.activation("x", o.shape("x"));
  const auto parameters = batch_norm_parameters(c, o);
  c.seeded_result(graph::batch_norm(c.graph(), x, parameters, o.number("eps"), o.number("momentum"), "bn"), "y");
}

void build_batch_norm_inference(CaseGraph& c, const GoldenOptions& o) {
  const ValueId x = c.activation("x", o.shape("x"));
  const auto parameters = batch_norm_parameters(c, o);
  c.plain_result(graph::batch_norm_inference(c.graph(), x, parameters, o.number("eps"), "bn"), "y");
}

void build_layer_norm(CaseGraph& c, const GoldenOptions& o) {
  const ValueId x = c.activation("x", o.shape("x"));
  const Shape width{o.shape("x").back()};
  const ValueId gamma = c.parameter("gamma", width), beta = c.parameter("beta", width);
  c.seeded_result(graph::layer_norm(c.graph(), x, gamma, beta, o.number("eps"), "ln"), "y");
}

void build_add(CaseGraph& c, const GoldenOptions& o) {
  const ValueId x = c.activation("x", o.shape("x")), b = c.activation("b", o.shape("x"));
  c.seeded_result(graph::add(c.graph(), x, b, "add"), "y");
}

void build_max_pool(CaseGraph& c, const GoldenOptions& o) {
  const ValueId x = c.activation("x", o.shape("x"));
  const int kernel = o.integer("kernel"), stride = o.integer("stride"), padding = o.integer("padding");
  c.seeded_result(graph::max_pool(c.graph(), x, kernel, stride, padding, "pool"), "y");
}

void build_embed_tokens(CaseGraph& c, const GoldenOptions& o) {
  const Shape shape = o.shape("x");
  const ValueId x = c.activation("x", shape), cls = c.parameter("cls", {1, 1, shape[3]});
  const ValueId pos = c.parameter("pos", {1, shape[1] * shape[2] + 1, shape[3]});
  c.seeded_result(graph::embed_tokens(c.graph(), x, cls, pos, "embed"), "y");
}

void build_softmax_cross_entropy(CaseGraph& c, const GoldenOptions& o) {
  const Shape shape = o.shape("x");
  const ValueId logits = c.parameter("logits", shape);
  graph::CrossEntropyAttrs attrs;
  attrs.logit_scale = o.number("logit_scale", 1);
  attrs.loss_scale = o.number("loss_scale", 1);
  attrs.label_smoothing = o.number("label_smoothing");
  attrs.labels_are_diagonal = o.has("diagonal");
  attrs.diagonal_offset = o.integer("diagonal");
  std::optional<ValueId> labels;
  if (!attrs.labels_are_diagonal) labels = c.labels("labels", shape[0], shape[1]);
  const ValueId loss = graph::softmax_cross_entropy(c.graph(), logits, labels, attrs, "xent");
  c.loss(loss, "loss");
  c.plain_result(c.graph().output(c.graph().value(loss).producer, 2), "hits");
}

// An operation of one activation.
Builder unary(const std::function<ValueId(graph::Graph&, ValueId, const GoldenOptions&)>& op) {
  return [op](CaseGraph& c, const GoldenOptions& o) {
    c.seeded_result(op(c.graph(), c.activation("x", o.shape("x")), o), "y");
  };
}

const std::map<std::string, Builder>& builders() {
  using graph::Graph;
  using Options = GoldenOptions;
  static const std::map<std::string, Builder> all{
      {"conv2d", build_conv2d},
      {"linear", build_linear},
      {"batch_norm", build_batch_norm},
      {"batch_norm_inference", build_batch_norm_inference},
      {"layer_norm", build_layer_norm},
      {"relu", unary([](Graph& g, ValueId x, const Options&) { return graph::relu(g, x, "relu"); })},
      {"gelu", unary([](Graph& g, ValueId x, const Options&) { return graph::gelu(g, x, "gelu"); })},
      {"add", build_add},
      {"max_pool", build_max_pool},
      {"global_avg_pool",
       unary([](Graph& g, ValueId x, const Options&) { return graph::global_avg_pool(g, x, "pool"); })},
      {"attention", unary([](Graph& g, ValueId x, const Options& o) {
         return graph::attention(g, x, o.integer("heads"), "attention");
       })},
      {"embed_tokens", build_embed_tokens},
      {"select_token", unary([](Graph& g, ValueId x, const Options& o) {
         return graph::select_token(g, x, o.integer("index"), "select");
       })},
      {"l2_normalize",
       unary([](Graph& g, ValueId x, const Options&) { return graph::l2_normalize(g, x, 1e-12F, "normalize"); })},
      {"softmax_cross_entropy", build_softmax_cross_entropy},
  };
  return all;
}

// As Case.values() in ops.py.
std::vector<double> source_values(const std::string& case_name, const std::string& op,
                                  const CaseGraph::Source& source) {
  std::vector<double> values = golden_coarse(text(case_name, "/", source.name), source.type.shape.elements());
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (source.name == "labels") {
      values[i] = static_cast<double>((i * 7 + 1) % static_cast<std::size_t>(source.classes));
    } else if (source.name == "running_var") {
      values[i] = (values[i] + 2) / 2;
    } else if (source.name == "logits" || op == "gelu") {
      values[i] *= 4;
    }
  }
  return values;
}

void check_case(Check& check, const GoldenFile& file, const std::string& name, const backend::Backend& backend,
                DType compute, double tolerance) {
  const GoldenOptions options(file.metadata(name));
  const std::string& op = options.text_of("op");
  CaseGraph source(compute, false);
  builders().at(op)(source, options);
  CaseProgram program(source, source.lower(false), backend);
  for (const auto& entry : source.sources()) {
    const std::vector<double> values = source_values(name, op, entry);
    if (entry.role == graph::Role::input) {
      program.set_input(entry.name, values);
    } else {
      program.set_parameter(entry.name, values);
    }
  }
  program.run();
  bool has_target = false;
  for (const auto& result : source.results()) {
    has_target = has_target || result.is_target;
    check_close(check, result.name, program.output(result.name), file.values(text(name, "/", result.name)), tolerance);
  }
  for (const auto& entry : source.sources()) {
    if (entry.role == graph::Role::buffer && has_target) {
      check_close(check, entry.name, program.parameter(entry.name), file.values(text(name, "/", entry.name)),
                  tolerance);
    } else if (entry.role == graph::Role::parameter && has_target) {
      const std::string what = text("gradient of ", entry.name);
      check_close(check, what, program.gradient(entry.name), file.values(text(name, "/", what)), tolerance);
    }
  }
}

}  // namespace

void golden_ops(Suite& suite) {
  // Goldens are f64 rounded to f32 (6e-8). In bf16 each result is rounded once more than its inputs, to within 2^-9.
  constexpr double kReference = 2e-7, kF32 = 3e-6, kBf16 = 6e-3;
  const GoldenFile file("ops");
  const auto reference = backend::make_reference_backend();
  const auto cpu = make_test_backend();
  for (const std::string& name : file.cases()) {
    suite.test(name + ": reference",
               [&](Check& check) { check_case(check, file, name, *reference, DType::f32, kReference); });
    suite.test(name + ": f32", [&](Check& check) { check_case(check, file, name, *cpu, DType::f32, kF32); });
    if (!cpu->describe().has_bf16) {
      suite.skip(name + ": bf16", "this processor does not compute bf16");
    } else {
      suite.test(name + ": bf16", [&](Check& check) { check_case(check, file, name, *cpu, DType::bf16, kBf16); });
    }
  }
}

}  // namespace gyrus::tests::suites
