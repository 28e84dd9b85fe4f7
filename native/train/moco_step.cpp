// MoCo v3, the method on one page: two views, a trained network and its moving average, and a loss that asks each
// query for the key of the same image among the keys of the batch.
#include "train/moco_step.h"

#include <string>
#include <vector>

#include "graph/ops.h"

namespace gyrus::train {
namespace {

using graph::Graph;
using graph::ValueId;

bool is_resnet(const ContrastiveOptions& options) { return options.encoder.arch.starts_with("resnet"); }

// Two layers for ResNets, three for ViTs; the projector always ends in a normalisation, the ResNet predictor does not
// (B1).
nn::MlpOptions projector(const ContrastiveOptions& options) {
  return {.layers = is_resnet(options) ? 2 : 3,
          .in = nn::feature_dim(options.encoder),
          .hidden = options.projector_hidden,
          .out = options.projector_out,
          .norm = options.projector_norm,
          .has_last_norm = true};
}

nn::MlpOptions predictor(const ContrastiveOptions& options) {
  return {.layers = 2,
          .in = options.projector_out,
          .hidden = options.projector_hidden,
          .out = options.projector_out,
          .norm = options.projector_norm,
          .has_last_norm = !is_resnet(options)};
}

// The momentum encoder reads the copies of the base encoder's parameters, and keeps running statistics of its own (B2).
ValueId key(Graph& graph, const std::string& view, ValueId x, const ContrastiveOptions& options) {
  const nn::Scope scope{
      graph, "base_encoder.", view + "/momentum_encoder.", graph::Role::ema, "momentum_encoder.", nn::Mode::training};
  const ValueId k = project(scope, x, options.encoder, projector(options));
  return graph::l2_normalize(graph, k, kL2Eps, view + "/key");
}

ValueId query(Graph& graph, const std::string& view, ValueId x, const ContrastiveOptions& options, Pass pass) {
  const ValueId z = project(trained_scope(graph, view, "base_encoder.", pass), x, options.encoder, projector(options));
  nn::Scope scope = trained_scope(graph, view, "predictor.", pass);
  return graph::l2_normalize(graph, nn::mlp(scope, z, "", predictor(options)), kL2Eps, view + "/query");
}

class MocoV3 final : public Method {
 public:
  std::string_view name() const override { return "mocov3"; }
  bool has_momentum_encoder() const override { return true; }

  graph::ParameterSpecs parameters(const ContrastiveOptions& options) const override {
    constexpr std::string_view kBase = "base_encoder.";
    graph::ParameterSpecs all;
    for (graph::ParameterSpec spec : base_parameters(options.encoder, projector(options))) {
      spec.has_ema = spec.is_trainable && !spec.is_buffer;
      all.push_back(spec);
      if (!spec.is_buffer) continue;
      spec.name.replace(0, kBase.size(), "momentum_encoder.");
      all.push_back(spec);
    }
    for (graph::ParameterSpec spec : nn::mlp_parameters("", predictor(options))) {
      spec.name = "predictor." + spec.name;
      all.push_back(spec);
    }
    return all;
  }

  // The momentum update comes first, over parameters only; the keys then carry no gradient, because the copies are no
  // trained parameters.
  std::vector<Embedding> embed(Graph& graph, const Views& views, const ContrastiveOptions& options,
                               Pass pass) const override {
    ValueId key1, key2;
    if (pass != Pass::backward) {
      std::vector<ValueId> copies;
      for (const graph::ParameterSpec& spec : parameters(options)) {
        if (spec.has_ema) copies.push_back(graph.add_source(graph::Role::ema, spec.name, {spec.shape, DType::f32}));
      }
      graph::ema_update(graph, copies);
      key1 = key(graph, "view1", views.x1, options);
      key2 = key(graph, "view2", views.x2, options);
    }
    std::vector<Embedding> embeddings{{"query1", query(graph, "view1", views.x1, options, pass)},
                                      {"query2", query(graph, "view2", views.x2, options, pass)}};
    if (pass == Pass::backward) return embeddings;
    embeddings.push_back({"key1", key1, false});
    embeddings.push_back({"key2", key2, false});
    return embeddings;
  }

  // ctr(q, k) = 2 tau mean_i CE(q_i . k_j / tau, label i): B3. Each loss needs one view's query and the other view's
  // key: so each can run backward before the next view's query is there.
  Losses contrast(Graph& graph, const std::vector<Embedding>& embeddings,
                  const ContrastiveOptions& options) const override {
    graph::CrossEntropyAttrs attrs;
    attrs.logit_scale = 1.0F / options.temperature;
    attrs.loss_scale = 2.0F * options.temperature;
    attrs.labels_are_diagonal = true;
    Losses found;
    const auto add = [&](const std::string& name, const Embedding& q, const Embedding& k) {
      const ValueId logits = graph::linear(graph, q.value, k.value, std::nullopt, name + "/logits");
      const ValueId loss = graph::softmax_cross_entropy(graph, logits, std::nullopt, attrs, name);
      found.losses.push_back(loss);
      found.hits.push_back(graph.output(graph.value(loss).producer, 2));
    };
    add("loss1", embeddings[0], embeddings[3]);
    add("loss2", embeddings[1], embeddings[2]);
    return found;
  }
};

}  // namespace

const Method& moco_v3() {
  static const MocoV3 kMethod;
  return kMethod;
}

}  // namespace gyrus::train
