// Small matrix products that the threads of a team run side by side, each on operands of its own: one head of one image
// at a time, so that what one product writes is still in the core's cache when the next reads it.
#pragma once

#include <span>
#include <unordered_map>
#include <vector>

#include "backend/cpu/dnnl/dnnl_engine.h"

namespace gyrus::backend::cpu {

// A matrix inside a larger array. A transposed one lies in memory as [columns, rows] with `stride` between its rows.
struct MatrixLayout {
  std::int64_t rows = 0, columns = 0, stride = 0;  // stride in elements
  DType dtype = DType::f32;
  bool is_transposed = false;
};

// c = a b on one thread.
class HeadProduct {
 public:
  HeadProduct(const DnnlEngine& engine, const MatrixLayout& a, const MatrixLayout& b, const MatrixLayout& c);
  std::int64_t scratch_bytes() const { return static_cast<std::int64_t>(scratchpad_.get_size()); }

 private:
  friend class HeadProductRunner;
  ::dnnl::memory::desc a_, b_, c_, scratchpad_;
  ::dnnl::matmul product_;
};

// What one thread needs to run a HeadProduct: the argument objects, whose pointers change from head to head.
class HeadProductRunner {
 public:
  HeadProductRunner(const DnnlEngine& engine, const HeadProduct& product, void* scratch);
  void run(const DnnlEngine& engine, const void* a, const void* b, void* c);

 private:
  ::dnnl::matmul product_;
  ::dnnl::memory a_, b_, c_;
  std::unordered_map<int, ::dnnl::memory> arguments_;  // the same objects
};

}  // namespace gyrus::backend::cpu
