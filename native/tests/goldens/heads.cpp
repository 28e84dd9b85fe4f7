// The projectors, predictors and classifiers against torch.nn.Sequential. The cases stand in test/goldens/heads.py.
#include <string>

#include "graph/ops.h"
#include "nn/encoder.h"
#include "tests/goldens/golden_file.h"
#include "tests/goldens/golden_fill.h"
#include "tests/goldens/golden_model.h"
#include "tests/harness/compare.h"
#include "tests/harness/suites.h"
#include "tests/harness/test_device.h"

namespace gyrus::tests::suites {
namespace {

using graph::Role;
using graph::ValueId;

// Names without a prefix are those of the module in its own file; a prefix is what the head is called in a model.
constexpr const char* kName = "fc";

GoldenModel make_model(const GoldenOptions& options) {
  const Shape input{options.integer("batch"), options.integer("in")};
  GoldenModel model;
  model.target = "y";
  model.seed = "seed";
  std::function<ValueId(nn::Scope&, ValueId)> apply;
  std::int64_t out = 0;
  if (options.text_of("head") == "mlp") {
    const nn::MlpOptions mlp{.layers = options.integer("layers"),
                             .in = input[1],
                             .hidden = options.integer("hidden"),
                             .out = options.integer("out"),
                             .has_last_norm = options.integer("last_batch_norm") != 0};
    model.specs = nn::mlp_parameters(kName, mlp);
    apply = [mlp](nn::Scope& scope, ValueId x) { return nn::mlp(scope, x, kName, mlp); };
    out = mlp.out;
  } else {
    const nn::LinearHeadOptions head{
        .in = input[1], .classes = options.integer("classes"), .has_batch_norm = options.integer("batch_norm") != 0};
    model.specs = nn::linear_head_parameters(kName, head);
    apply = [head](nn::Scope& scope, ValueId x) { return nn::linear_head(scope, x, kName, head); };
    out = head.classes;
  }
  model.build = [=](nn::Scope& scope) {
    const ValueId x = scope.graph.add_source(Role::input, "x", {input, DType::f32});
    scope.graph.mark_output(graph::cast(scope.graph, apply(scope, x), DType::f32, "y"), "y");
    if (scope.mode == nn::Mode::training) {
      scope.graph.add_source(Role::input, "seed", {Shape{input[0], out}, DType::f32});
    }
  };
  return model;
}

// "fc.0.weight" -> "0.weight"
std::string name_in_golden(const std::string& name) { return name.substr(std::string(kName).size() + 1); }

void check_case(Check& check, const GoldenFile& file, const std::string& name, const backend::Backend& backend,
                double tolerance) {
  const GoldenOptions options(file.metadata(name));
  GoldenModel model = make_model(options);
  // fill.py fills "<case>.<name in the module>".
  for (auto& spec : model.specs) check.that(spec.name.starts_with(kName), "parameter outside the head: ", spec.name);
  model.fill_name = [&](const std::string& parameter) { return name + "." + name_in_golden(parameter); };
  const std::int64_t batch = options.integer("batch"), in = options.integer("in");
  GoldenRun::Inputs inputs{{"x", golden_uniform(name + "/x", batch * in)}};
  const std::vector<double> y = file.values(name + "/y");
  inputs["seed"] = golden_uniform(name + "/seed", static_cast<std::int64_t>(y.size()));

  GoldenRun training(model, nn::Mode::training, backend, DType::f32);
  training.run(inputs);
  check_close(check, "y", training.output("y"), y, tolerance);
  for (const auto& spec : model.specs) {
    const std::string golden = name_in_golden(spec.name);
    if (spec.is_buffer) {
      check_close(check, golden, training.buffer(spec.name), file.values(text(name, "/buffer ", golden)), tolerance);
    } else {
      check_close(check, "gradient of " + golden, training.gradient(spec.name),
                  file.values(text(name, "/gradient of ", golden)), tolerance);
    }
  }
  GoldenRun inference(model, nn::Mode::inference, backend, DType::f32);
  inference.run(inputs);
  check_close(check, "inference", inference.output("y"), file.values(name + "/inference"), tolerance);
}

}  // namespace

void golden_heads(Suite& suite) {
  const GoldenFile file("heads");
  const auto reference = backend::make_reference_backend();
  const auto cpu = make_test_backend();
  for (const std::string& name : file.cases()) {
    suite.test(name + ": reference", [&](Check& check) { check_case(check, file, name, *reference, 1e-6); });
    suite.test(name + ": f32", [&](Check& check) { check_case(check, file, name, *cpu, 1e-5); });
  }
}

}  // namespace gyrus::tests::suites
