// One description of an operation under test serves every mode (modes.h): a function that writes a small graph.
//
// The builder's sources are parameters wherever a gradient is wanted, inputs of the operation included, so that
// autodiff gives every gradient and a test can perturb every number. In a bf16 case a parameter reaches the operation
// through a cast, and results leave it through one, so that what is filled in and compared is f32 at the edges.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "graph/parameter_spec.h"
#include "passes/passes.h"
#include "tests/harness/fill.h"

namespace gyrus::tests {

using graph::ValueId;

class CaseGraph {
 public:
  // `compute`: f32 or bf16. `is_exact`: everything is filled with small integers.
  CaseGraph(DType compute, bool is_exact) : compute_(compute), is_exact_(is_exact) {}

  graph::Graph& graph() { return graph_; }
  DType compute() const { return compute_; }

  // Sources with a gradient. An activation has the compute dtype, a parameter is f32.
  ValueId activation(const std::string& name, const Shape& shape, Fill fill = Fill::normal);
  ValueId parameter(const std::string& name, const Shape& shape, Fill fill = Fill::normal);
  // Sources without one.
  ValueId input(const std::string& name, const Shape& shape, Fill fill = Fill::normal);  // f32
  ValueId buffer(const std::string& name, const Shape& shape, Fill fill);
  ValueId labels(const std::string& name, std::int64_t rows, std::int64_t classes);
  // The momentum encoder's copy of a parameter of that name: it starts equal to it.
  ValueId momentum_copy(const std::string& parameter);

  // What is compared. A seeded result also sends a gradient of random numbers into the graph; a loss sends 1; a plain
  // result sends nothing.
  void seeded_result(ValueId value, const std::string& name);
  void loss(ValueId value, const std::string& name);
  void plain_result(ValueId value, const std::string& name);

  // Applies the passes as a trainer does. With `is_fused` the fusion passes run as well.
  graph::Graph lower(bool is_fused, passes::FuseCounts* counts = nullptr) const;

  struct Source {
    std::string name;
    graph::Role role{};
    graph::ValueType type;
    Fill fill{};
    std::int64_t classes = 0;  // of labels
  };
  std::span<const Source> sources() const { return sources_; }
  // Weight decay belongs to tensors of more than one axis, as LARS's recipe has it; parameters called "slow..." learn
  // at kSlow times the rate.
  static constexpr float kSlow = 0.25F;
  graph::ParameterSpecs specs() const;
  // What a source holds at the start; labels come as whole numbers.
  std::vector<double> initial_values(const Source& source) const;

  struct Result {
    std::string name, seed;  // seed: name of the input that holds it, "" for none
    bool is_target = false;
  };
  std::span<const Result> results() const { return results_; }

 private:
  ValueId add_source(Source source);
  ValueId add_result(ValueId value, const std::string& name);

  graph::Graph graph_;
  DType compute_;
  bool is_exact_;
  std::vector<Source> sources_;
  std::vector<Result> results_;
};

// Relative errors in norm. f32: sums of a few hundred terms, each rounded by 2^-24. bf16: one rounding of a result to
// nearest is at most 2^-9 = 2e-3 of an element and about 1.7e-3 in norm; a case whose values are rounded several times
// on their way states its own figure and why.
struct Tolerance {
  double f32 = 2e-6, bf16 = 3e-3;
};

struct OpCase {
  std::string name;
  std::function<void(CaseGraph&)> build;
  Tolerance tolerance{};
  bool is_fused = false;  // run the fusion passes, and demand that one fires
  bool is_exact = false;  // sums of products: small integers must come out exactly
  bool is_differentiable = true;
  bool is_small = true;  // small enough for central differences
};

}  // namespace gyrus::tests
