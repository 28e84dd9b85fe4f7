#include "backend/cpu/dnnl/head_product.h"

#include "backend/cpu/threads.h"

namespace gyrus::backend::cpu {
namespace {

using ::dnnl::memory;

memory::desc describe_matrix(const MatrixLayout& m) {
  const memory::dims strides = m.is_transposed ? memory::dims{1, m.stride} : memory::dims{m.stride, 1};
  return {{m.rows, m.columns}, dnnl_type(m.dtype), strides};
}

// Prepared for the one thread that will run it: inside a parallel region oneDNN starts no team of its own.
::dnnl::matmul::primitive_desc prepare(const DnnlEngine& engine, const memory::desc& a, const memory::desc& b,
                                       const memory::desc& c) {
  use_threads(1);
  const ::dnnl::matmul::primitive_desc prepared(engine.engine(), a, b, c, dnnl_attributes());
  use_threads(engine.threads());
  return prepared;
}

}  // namespace

HeadProduct::HeadProduct(const DnnlEngine& engine, const MatrixLayout& a, const MatrixLayout& b, const MatrixLayout& c)
    : a_(describe_matrix(a)), b_(describe_matrix(b)), c_(describe_matrix(c)) {
  const auto prepared = prepare(engine, a_, b_, c_);
  scratchpad_ = prepared.scratchpad_desc();
  use_threads(1);
  product_ = ::dnnl::matmul(prepared);
  use_threads(engine.threads());
}

HeadProductRunner::HeadProductRunner(const DnnlEngine& engine, const HeadProduct& product, void* scratch)
    : product_(product.product_),
      a_(product.a_, engine.engine(), nullptr),
      b_(product.b_, engine.engine(), nullptr),
      c_(product.c_, engine.engine(), nullptr),
      arguments_{{DNNL_ARG_SRC, a_}, {DNNL_ARG_WEIGHTS, b_}, {DNNL_ARG_DST, c_}} {
  if (product.scratch_bytes() > 0) {
    arguments_.emplace(DNNL_ARG_SCRATCHPAD, memory(product.scratchpad_, engine.engine(), scratch));
  }
}

void HeadProductRunner::run(const DnnlEngine& engine, const void* a, const void* b, void* c) {
  // oneDNN takes every operand as void*, and writes only the destination.
  a_.set_data_handle(const_cast<void*>(a));
  b_.set_data_handle(const_cast<void*>(b));
  c_.set_data_handle(c);
  product_.execute(engine.stream(), arguments_);
}

}  // namespace gyrus::backend::cpu
