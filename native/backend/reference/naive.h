// What the naive kernels share: a view of a tensor, and one function for each kind of operation.
// Every value is f64 and row-major in its logical layout, whatever dtype the graph gives it: nothing is ever rounded,
// so the results are the oracle of f32 and of bf16 programs alike. The one exception: a program's inputs of dtype i32
// (labels) arrive as int32, as the caller has them, and are read with Tensor::label().
#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "backend/backend.h"
#include "core/error.h"
#include "core/shape.h"
#include "graph/attrs.h"
#include "graph/op_kind.h"

namespace gyrus::backend::reference {

struct Tensor {
  Shape shape;
  void* data = nullptr;  // double, or int32 for labels

  double* values() const { return static_cast<double*>(data); }
  double& operator[](std::int64_t at) const { return values()[at]; }
  std::int64_t label(std::int64_t at) const { return static_cast<const std::int32_t*>(data)[at]; }
  // Of a tensor of rank 4: element [a, b, c, d].
  double& at(std::int64_t a, std::int64_t b, std::int64_t c, std::int64_t d) const {
    return values()[((a * shape[1] + b) * shape[2] + c) * shape[3] + d];
  }
  std::int64_t elements() const { return shape.elements(); }
  std::int64_t rows() const { return shape.rows(); }
  std::int64_t back() const { return shape.back(); }
  void fill(double value) const {
    for (std::int64_t i = 0; i < elements(); ++i) values()[i] = value;
  }
};

// One execution of one node.
struct Call {
  graph::Attrs attrs;
  std::vector<Tensor> in, out;  // in the order of the node's inputs and outputs
  const Hyper* hyper = nullptr;
  ArenaView arenas;  // double

  template <class T>
  const T& attrs_as() const {
    const T* found = std::get_if<T>(&attrs);
    GYRUS_ASSERT(found != nullptr);
    return *found;
  }
};

using NaiveFunction = void (*)(const Call& call);

// void conv2d(const Call&); and so on: a kind without its function does not link.
#define GYRUS_DECLARE_NAIVE(name) void name(const Call& call);
GYRUS_OP_KINDS(GYRUS_DECLARE_NAIVE)
#undef GYRUS_DECLARE_NAIVE

// Exact GELU, x Phi(x), and its derivative Phi(x) + x phi(x): shared by gelu and by linear's fused form.
double gelu_of(double x);
double gelu_derivative_of(double x);

}  // namespace gyrus::backend::reference
