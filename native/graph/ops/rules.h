// What the shape and gradient rules of the op files share.
#pragma once

#include <string_view>
#include <variant>

#include "core/error.h"
#include "graph/op_def.h"

namespace gyrus::graph {

// The attributes as the struct of this kind; another struct is a defect of whoever made the node.
template <class T>
const T& attrs_as(std::string_view op, const Attrs& attrs) {
  const T* found = std::get_if<T>(&attrs);
  GYRUS_CHECK(found != nullptr, Code::internal, op, " was given the attributes of another kind of op (alternative ",
              attrs.index(), " of Attrs)");
  return *found;
}

// The same shape and dtype: gradients of activations, summands.
inline void check_same(std::string_view op, std::string_view what, const ValueType& type, const ValueType& expected) {
  check_shape(op, what, type, expected.shape);
  check_dtype(op, what, type, expected.dtype);
}

// The dtype of a sum of two activations.
inline DType wider(DType a, DType b) { return a == DType::f32 ? a : b; }

// A parameter, statistic or parameter gradient: f32 of that shape.
inline void check_f32(std::string_view op, std::string_view what, const ValueType& type, const Shape& expected) {
  check_shape(op, what, type, expected);
  check_dtype(op, what, type, DType::f32);
}

// Refuses gradients that reached an output which only serves the backward pass (saved statistics, indices).
inline void refuse_gradient(const GradientScope& scope, std::size_t output, std::string_view what) {
  GYRUS_CHECK(output >= scope.grad_out.size() || !scope.grad_out[output].is_valid(), Code::not_differentiable,
              name_of(scope.node.kind), " ", scope.node.name, ": ", what,
              " is kept for the backward pass and has no gradient; do not use it in a loss");
}

inline bool reached(const GradientScope& scope, std::size_t output) {
  return output < scope.grad_out.size() && scope.grad_out[output].is_valid();
}

// Gradients of an f32 stream come in f32 or in the compute dtype; whoever reads one with values of `dtype` beside it
// takes it through here.
inline ValueId gradient_as(GradientScope& scope, ValueId gradient, DType dtype) {
  if (dtype == DType::f32 || scope.graph.value(gradient).dtype() == dtype) return gradient;
  return scope.graph.output(scope.add(OpKind::cast, CastAttrs{dtype}, {gradient}, "grad/cast"));
}

}  // namespace gyrus::graph
