// SimCLR, the method on one page: one network, and a loss that asks each of 2N embeddings for the other view of its
// image among the 2N - 1 others (NT-Xent, equation 1):
//   loss = mean over i of CE(z_i . z_j / tau over j != i, label: the other view of i)
// Both views carry gradients on both sides, so both are alive at once: a step needs twice MoCo v3's activations.
#include "train/simclr_step.h"

#include <string>
#include <vector>

#include "graph/ops.h"

namespace gyrus::train {
namespace {

using graph::Graph;
using graph::ValueId;

// Without normalisations its layers have biases; with them, as in the paper, they have none.
nn::MlpOptions projector(const ContrastiveOptions& options) {
  return {.layers = 2,
          .in = nn::feature_dim(options.encoder),
          .hidden = options.projector_hidden,
          .out = options.projector_out,
          .norm = options.projector_norm,
          .has_last_norm = false};
}

class Simclr final : public Method {
 public:
  std::string_view name() const override { return "simclr"; }
  bool has_momentum_encoder() const override { return false; }

  graph::ParameterSpecs parameters(const ContrastiveOptions& options) const override {
    return base_parameters(options.encoder, projector(options));
  }

  std::vector<Embedding> embed(Graph& graph, const Views& views, const ContrastiveOptions& options,
                               Pass pass) const override {
    const auto one = [&](const std::string& view, ValueId x) {
      const nn::Scope scope = trained_scope(graph, view, "base_encoder.", pass);
      return graph::l2_normalize(graph, project(scope, x, options.encoder, projector(options)), kL2Eps,
                                 view + "/query");
    };
    return {{"query1", one("view1", views.x1)}, {"query2", one("view2", views.x2)}};
  }

  Losses contrast(Graph& graph, const std::vector<Embedding>& embeddings,
                  const ContrastiveOptions& options) const override {
    graph::CrossEntropyAttrs attrs;
    attrs.logit_scale = 1.0F / options.temperature;
    attrs.labels_are_diagonal = true;
    attrs.excludes_self = true;
    attrs.diagonal_offset = options.batch_size;
    const ValueId z = graph::concat_rows(graph, embeddings[0].value, embeddings[1].value, "queries");
    const ValueId logits = graph::linear(graph, z, z, std::nullopt, "loss1/logits");
    const ValueId loss = graph::softmax_cross_entropy(graph, logits, std::nullopt, attrs, "loss1");
    return {{loss}, {graph.output(graph.value(loss).producer, 2)}};
  }
};

}  // namespace

const Method& simclr() {
  static const Simclr kMethod;
  return kMethod;
}

}  // namespace gyrus::train
