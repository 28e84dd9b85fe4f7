// Each pass fires where it should, as often as the architecture says, and leaves the rest alone.
#include "passes/passes.h"

#include <set>

#include "passes/rewriter.h"
#include "tests/harness/suites.h"
#include "tests/passes/models.h"

namespace gyrus::tests::suites {
namespace {

using graph::Graph;
using graph::OpKind;
using graph::Role;
using graph::ValueId;

Graph with_gradients(const ModelGraph& model, const Graph& graph) {
  const passes::Target target{output_named(graph, "loss"), std::nullopt};
  return passes::autodiff(graph, std::span(&target, 1), model.trainable);
}

void test_precision(Suite& suite) {
  suite.test("precision lowers activations and nothing else", [](Check& check) {
    const Graph graph = passes::precision(classifier_graph("resnet18", 2, 64).graph, DType::bf16);
    for (const auto& node : graph.nodes()) {
      // The classifier and its loss are f32 whatever the backbone computes in.
      const bool is_edge = node.name == "fc" || node.name == "fc.features" || node.name == "logits" ||
                           node.kind == OpKind::softmax_cross_entropy;
      const DType expected = is_edge ? DType::f32 : DType::bf16;
      check.equal(name_of(graph.value(node.outputs[0]).dtype()), name_of(expected), node.name);
    }
    for (const auto& value : graph.values()) {
      if (value.role == Role::parameter || value.role == Role::buffer) {
        check.that(value.dtype() == DType::f32, value.name, " must stay f32");
      }
    }
  });
  suite.test("in bf16 a ViT's residual stream, its gradient and the features stay f32", [](Check& check) {
    const ModelGraph model = classifier_graph("vit_tiny_patch16_224", 2, 32);
    const Graph step = with_gradients(
        model,
        passes::fuse_forward(passes::simplify(passes::prune_tokens(passes::precision(model.graph, DType::bf16)))));
    int rounded = 0;
    for (const auto& node : step.nodes()) {
      const auto dtype_of = [&](std::size_t output) { return step.value(node.outputs[output]).dtype(); };
      if (node.kind == OpKind::layer_norm_grad) {
        check.that(dtype_of(0) == DType::f32, node.name, ": the stream's gradient");
        if (node.outputs.size() < 4) continue;
        check.that(dtype_of(3) == DType::bf16, node.name, ": the branch's gradient");
        ++rounded;
      } else if (node.kind == OpKind::layer_norm) {
        check.that((dtype_of(0) == DType::f32) == (node.name == "norm"), node.name, ": ", name_of(dtype_of(0)));
      } else if (node.kind == OpKind::add || node.kind == OpKind::embed_tokens_grad) {
        check.that(dtype_of(0) == DType::f32, node.name);
      }
    }
    // Every branch but the last, which the norm behind the stream reads in f32.
    check.equal(rounded, 23, "gradients that are given rounded as well");
    check.equal(count_kind(step, OpKind::layer_norm_grad), 25, "layer_norm_grad nodes");
  });
  suite.test("precision refuses other dtypes",
             [](Check& check) { check.throws(Code::dtype, "f64", [] { passes::precision(Graph{}, DType::f64); }); });
}

void test_fusion(Suite& suite) {
  suite.test("resnet50: 49 batch norms take their relu, 15 gradients are summed in place", [](Check& check) {
    const ModelGraph model = classifier_graph("resnet50", 2, 64);
    passes::FuseCounts counts;
    const Graph fused = passes::fuse_forward(model.graph, &counts);
    check.equal(counts.batch_norm_relu, 49, "batch_norm_relu");
    check.equal(count_kind(fused, OpKind::relu), 0, "relu nodes left");
    check.equal(count_kind(fused, OpKind::add), 0, "add nodes left");
    check.equal(count_kind(fused, OpKind::batch_norm), 53, "batch_norm nodes");
    const Graph gradients = passes::fuse_gradients(with_gradients(model, fused), &counts);
    check.equal(counts.gradient_add, 15, "gradient_add");
    check.equal(count_kind(gradients, OpKind::relu_grad), 0, "relu_grad nodes");
  });
  suite.test("vit_small: 12 gelus and 24 residual norms are fused", [](Check& check) {
    const ModelGraph model = classifier_graph("vit_small_patch16_224", 2, 64);
    passes::FuseCounts counts;
    const Graph fused = passes::fuse_forward(passes::simplify(passes::prune_tokens(model.graph)), &counts);
    check.equal(counts.linear_gelu, 12, "linear_gelu");
    check.equal(counts.add_layer_norm, 24, "add_layer_norm");
    check.equal(count_kind(fused, OpKind::gelu), 0, "gelu nodes left");
    check.equal(count_kind(fused, OpKind::add), 0, "add nodes left");
  });
  suite.test("vit_small: 12 gelus are computed again in f32, none in bf16", [](Check& check) {
    const ModelGraph model = classifier_graph("vit_small_patch16_224", 2, 64);
    for (const DType compute : {DType::f32, DType::bf16}) {
      const Graph fused =
          passes::fuse_forward(passes::simplify(passes::prune_tokens(passes::precision(model.graph, compute))));
      int count = 0;
      const Graph step = passes::recompute(with_gradients(model, fused), &count);
      check.equal(count, compute == DType::f32 ? 12 : 0, "recomputed");
      check.equal(count_kind(step, OpKind::gelu), count, "gelu nodes");
    }
  });
  suite.test("a batch norm whose output others read keeps its relu apart", [](Check& check) {
    Graph graph;
    const ValueId x = graph.add_source(Role::input, "x", {Shape{4, 3}, DType::f32});
    const ValueId y = graph::batch_norm(graph, x, {}, 1e-5F, 0.1F, "bn");
    graph.mark_output(y, "y");
    graph.mark_output(graph::relu(graph, y, "relu"), "z");
    passes::FuseCounts counts;
    passes::fuse_forward(graph, &counts);
    check.equal(counts.batch_norm_relu, 0, "batch_norm_relu");
  });
}

void test_prune_tokens(Suite& suite) {
  suite.test("only the last block works on the class token alone", [](Check& check) {
    const Graph graph = passes::simplify(passes::prune_tokens(classifier_graph("vit_tiny_patch16_224", 2, 64).graph));
    std::set<std::string> pruned;
    for (const auto& node : graph.nodes()) {
      if (node.kind == OpKind::linear && graph.value(node.outputs[0]).shape().rank() == 2) pruned.insert(node.name);
    }
    const std::set<std::string> expected{"blocks.11.attn.proj", "blocks.11.mlp.fc1", "blocks.11.mlp.fc2", "fc"};
    check.that(pruned == expected, "pruned linears are ", pruned.size(), ": ", pruned.empty() ? "" : *pruned.begin());
    check.equal(count_kind(graph, OpKind::select_token), 2, "select_token nodes");
  });
}

void test_autodiff(Suite& suite) {
  suite.test("a parameter that no loss depends on is named", [](Check& check) {
    ModelGraph model = classifier_graph("resnet18", 2, 64);
    model.graph.add_source(Role::parameter, "orphan", {Shape{3}, DType::f32});
    model.trainable.push_back("orphan");
    const std::string message =
        check.throws(Code::not_differentiable, "orphan", [&] { with_gradients(model, model.graph); });
    check.that(message.find("orphan") != std::string::npos, "the message must name it: ", message);
    model.trainable.back() = "no.such.parameter";
    check.throws(Code::not_differentiable, "unknown", [&] { with_gradients(model, model.graph); });
  });
  suite.test("an operation without a gradient is named", [](Check& check) {
    Graph graph;
    const ValueId x = graph.add_source(Role::parameter, "x", {Shape{4, 3}, DType::f32});
    const ValueId mean = graph.add_source(Role::buffer, "mean", {Shape{3}, DType::f32});
    const ValueId var = graph.add_source(Role::buffer, "var", {Shape{3}, DType::f32});
    graph::BatchNormParameters parameters;
    parameters.running_mean = mean;
    parameters.running_var = var;
    const ValueId y = graph::batch_norm_inference(graph, x, parameters, 1e-5F, "bn");
    const passes::Target target{y, y};
    const std::vector<std::string> names{"x"};
    const std::string message = check.throws(Code::not_differentiable, "batch_norm_inference",
                                             [&] { passes::autodiff(graph, std::span(&target, 1), names); });
    check.that(message.find("batch_norm_inference") != std::string::npos, message);
  });
  suite.test("two losses add up in the gradient arena", [](Check& check) {
    Graph graph;
    const ValueId w = graph.add_source(Role::parameter, "w", {Shape{2, 3}, DType::f32});
    std::vector<passes::Target> targets;
    for (const char* name : {"a", "b"}) {
      const ValueId x = graph.add_source(Role::input, name, {Shape{4, 3}, DType::f32});
      graph::CrossEntropyAttrs attrs;
      attrs.labels_are_diagonal = true;
      const ValueId k = graph.add_source(Role::input, std::string("k") + name, {Shape{4, 2}, DType::f32});
      const ValueId logits = graph::linear(graph, graph::linear(graph, x, w, std::nullopt, name), k, std::nullopt, "l");
      targets.push_back({graph::softmax_cross_entropy(graph, logits, std::nullopt, attrs, "loss"), std::nullopt});
    }
    const std::vector<std::string> names{"w"};
    const Graph result = passes::autodiff(graph, targets, names);
    int gradients = 0;
    for (const auto& value : result.values()) gradients += value.role == Role::gradient ? 1 : 0;
    check.equal(gradients, 2, "values in the gradient arena: the first loss's and the sum");
    check.equal(count_kind(result, OpKind::add), 1, "add nodes");
  });
}

void test_simplify(Suite& suite) {
  suite.test("dead nodes go, equal nodes merge, mutating nodes stay", [](Check& check) {
    Graph graph;
    const ValueId x = graph.add_source(Role::input, "x", {Shape{4, 3}, DType::f32});
    graph::BatchNormParameters parameters;
    parameters.running_mean = graph.add_source(Role::buffer, "mean", {Shape{3}, DType::f32});
    parameters.running_var = graph.add_source(Role::buffer, "var", {Shape{3}, DType::f32});
    graph::batch_norm(graph, x, parameters, 1e-5F, 0.1F, "bn1");
    graph::batch_norm(graph, x, parameters, 1e-5F, 0.1F, "bn2");
    graph::relu(graph, x, "dead");
    const ValueId a = graph::gelu(graph, x, "one"), b = graph::gelu(graph, x, "two");
    graph.mark_output(graph::add(graph, a, b, "sum"), "sum");
    const Graph result = passes::simplify(graph);
    check.equal(count_kind(result, OpKind::batch_norm), 2, "batch_norm nodes (they change running statistics)");
    check.equal(count_kind(result, OpKind::relu), 0, "relu nodes");
    check.equal(count_kind(result, OpKind::gelu), 1, "gelu nodes");
  });
}

}  // namespace

void graph_passes(Suite& suite) {
  test_precision(suite);
  test_fusion(suite);
  test_prune_tokens(suite);
  test_autodiff(suite);
  test_simplify(suite);
}

}  // namespace gyrus::tests::suites
