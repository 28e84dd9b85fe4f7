// Everything the graph knows about one kind of operation: stateless, one constant object an op.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "graph/graph.h"

namespace gyrus::graph {

// What one execution costs at least: multiply-adds count two. For profiles, perf tests and `gyrus plan`.
struct Work {
  double flops = 0, bytes = 0;
};

// Output `output` may take the memory of input `input` if that input is read here for the last time.
struct InplacePair {
  int input, output;
};

// What a gradient rule reads and writes. The rule appends nodes to `graph` and fills grad_in; an entry left invalid
// means "no gradient flows there". grad_out[k] is invalid where no gradient reached output k.
struct GradientScope {
  Graph& graph;
  const Node& node;  // a copy: appending to the graph does not move it
  std::span<const ValueId> grad_out;
  std::vector<ValueId>& grad_in;
  std::span<const bool> wanted;  // which inputs need a gradient at all
  // Appends a gradient node, named after the forward node.
  NodeId add(OpKind kind, Attrs attrs, std::vector<ValueId> inputs, std::string_view what);
};

struct OpDef {
  OpKind kind;
  // Types of the outputs; throws Code::shape / Code::dtype naming what was found and expected.
  std::vector<ValueType> (*infer)(const Attrs& attrs, std::span<const ValueType> in);
  // nullptr: not differentiable.
  void (*gradient)(GradientScope& scope) = nullptr;
  Work (*work)(const Attrs& attrs, std::span<const ValueType> in, std::span<const ValueType> out) = nullptr;
  std::span<const InplacePair> inplace{};
  // Inputs that the op changes in place (running statistics, parameters): they order the schedule.
  std::vector<int> (*mutated_inputs)(const Attrs& attrs) = nullptr;
};

const OpDef& op_def(OpKind kind);

// What one execution of this node costs at least.
Work work_of(const Graph& graph, const Node& node);

// Bytes of all inputs and outputs, each moved once: the work() of every op that is bound by memory.
Work memory_bound_work(std::span<const ValueType> in, std::span<const ValueType> out, double flops_per_element = 1);

// Checks that the rules share.
void check_input_count(std::string_view op, std::span<const ValueType> in, std::size_t least, std::size_t most);
void check_rank(std::string_view op, std::string_view what, const ValueType& type, int rank);
void check_shape(std::string_view op, std::string_view what, const ValueType& type, const Shape& expected);
void check_dtype(std::string_view op, std::string_view what, const ValueType& type, DType expected);
void check_float(std::string_view op, std::string_view what, const ValueType& type);  // f32 or bf16

}  // namespace gyrus::graph
