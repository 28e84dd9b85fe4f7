#include "train/contrastive_graphs.h"

#include "graph/ops.h"

namespace gyrus::train {
namespace {

using graph::Graph;
using graph::Role;
using graph::ValueId;

Views add_views(Graph& graph, const nn::EncoderOptions& encoder, std::int64_t images) {
  const graph::ValueType image{Shape{images, encoder.channels, encoder.image_height, encoder.image_width}, DType::f32};
  const ValueId x1 = graph.add_source(Role::input, "x1", image), x2 = graph.add_source(Role::input, "x2", image);
  return {graph::to_channels_last(graph, x1, DType::f32, "view1/input"),
          graph::to_channels_last(graph, x2, DType::f32, "view2/input")};
}

void mark(Graph& graph, const Embedding& embedding) { graph.mark_output(embedding.value, embedding.name); }

LossNames mark_losses(Graph& graph, const Losses& found) {
  LossNames names;
  for (std::size_t i = 0; i < found.losses.size(); ++i) {
    names.losses.push_back(text("loss", i + 1));
    names.hits.push_back(text("hits", i + 1));
    graph.mark_output(found.losses[i], names.losses.back());
    graph.mark_output(found.hits[i], names.hits.back());
  }
  return names;
}

}  // namespace

StepGraph step_graph(const Method& method, const ContrastiveOptions& options) {
  StepGraph step;
  const Views views = add_views(step.graph, options.encoder, options.batch_size);
  const std::vector<Embedding> embeddings = method.embed(step.graph, views, options, Pass::step);
  mark(step.graph, embeddings.front());
  mark(step.graph, embeddings.back());
  step.names = mark_losses(step.graph, method.contrast(step.graph, embeddings, options));
  return step;
}

MicroGraphs micro_graphs(const Method& method, const ContrastiveOptions& options) {
  MicroGraphs graphs;
  const Views seen = add_views(graphs.rehearse, options.encoder, options.micro_batch);
  std::vector<Embedding> whole;
  for (const Embedding& embedding : method.embed(graphs.rehearse, seen, options, Pass::rehearsal)) {
    graphs.embeddings.push_back({embedding.name, embedding.is_trained});
    mark(graphs.rehearse, embedding);
    const std::int64_t width = graphs.rehearse.value(embedding.value).shape().back();
    const graph::ValueType type{Shape{options.batch_size, width}, DType::f32};
    whole.push_back(
        {embedding.name, graphs.contrast.add_source(Role::input, embedding.name, type), embedding.is_trained});
  }
  graphs.names = mark_losses(graphs.contrast, method.contrast(graphs.contrast, whole, options));

  const Views again = add_views(graphs.accumulate, options.encoder, options.micro_batch);
  for (const Embedding& embedding : method.embed(graphs.accumulate, again, options, Pass::backward)) {
    mark(graphs.accumulate, embedding);
    graphs.accumulate.add_source(Role::input, gradient_name(embedding.name),
                                 graphs.accumulate.value(embedding.value).type);
  }
  return graphs;
}

std::string gradient_name(const std::string& embedding) { return embedding + ".grad"; }

}  // namespace gyrus::train
