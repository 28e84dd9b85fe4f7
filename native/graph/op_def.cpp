// What the ops' rules share: checks with one wording, the cost of an op that only moves memory, and the naming of
// gradient nodes.
#include "graph/op_def.h"

#include <algorithm>

#include "core/error.h"

namespace gyrus::graph {
namespace {

double bytes_of(const ValueType& type) {
  return static_cast<double>(type.shape.elements()) * static_cast<double>(size_of(type.dtype));
}

}  // namespace

NodeId GradientScope::add(OpKind kind, Attrs attrs, std::vector<ValueId> inputs, std::string_view what) {
  return graph.add_node(kind, std::move(attrs), std::move(inputs), text(node.name, ".", what));
}

Work work_of(const Graph& graph, const Node& node) {
  const auto work = op_def(node.kind).work;
  if (work == nullptr) return {};
  std::vector<ValueType> in, out;
  for (const ValueId id : node.inputs) in.push_back(graph.value(id).type);
  for (const ValueId id : node.outputs) out.push_back(graph.value(id).type);
  return work(node.attrs, in, out);
}

Work memory_bound_work(std::span<const ValueType> in, std::span<const ValueType> out, double flops_per_element) {
  Work work;
  double largest = 0;
  for (const auto types : {in, out}) {
    for (const ValueType& type : types) {
      work.bytes += bytes_of(type);
      largest = std::max(largest, static_cast<double>(type.shape.elements()));
    }
  }
  work.flops = largest * flops_per_element;
  return work;
}

void check_input_count(std::string_view op, std::span<const ValueType> in, std::size_t least, std::size_t most) {
  GYRUS_CHECK(in.size() >= least && in.size() <= most, Code::shape, op, " takes ", least,
              least == most ? std::string() : text(" to ", most), " inputs with these attributes, got ", in.size());
}

void check_rank(std::string_view op, std::string_view what, const ValueType& type, int rank) {
  GYRUS_CHECK(type.shape.rank() == rank, Code::shape, op, ": ", what, " must have ", rank, " axes, got the shape ",
              type.shape);
}

void check_shape(std::string_view op, std::string_view what, const ValueType& type, const Shape& expected) {
  GYRUS_CHECK(type.shape == expected, Code::shape, op, ": ", what, " must have the shape ", expected, ", got ",
              type.shape);
}

void check_dtype(std::string_view op, std::string_view what, const ValueType& type, DType expected) {
  GYRUS_CHECK(type.dtype == expected, Code::dtype, op, ": ", what, " must be ", name_of(expected), ", got ",
              name_of(type.dtype), " (shape ", type.shape, ")");
}

void check_float(std::string_view op, std::string_view what, const ValueType& type) {
  GYRUS_CHECK(type.dtype == DType::f32 || type.dtype == DType::bf16, Code::dtype, op, ": ", what,
              " must be f32 or bf16, got ", name_of(type.dtype), " (shape ", type.shape, ")");
}

}  // namespace gyrus::graph
