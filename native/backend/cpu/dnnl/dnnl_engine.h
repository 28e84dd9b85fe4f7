// oneDNN's engine and stream, and the translation of our types and its errors.
#pragma once

#include <oneapi/dnnl/dnnl.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "backend/cpu/dnnl/dnnl_factory.h"
#include "backend/cpu/node_context.h"
#include "core/dtype.h"
#include "core/error.h"

namespace gyrus::backend::cpu {

class DnnlEngine {
 public:
  explicit DnnlEngine(int threads) : engine_(::dnnl::engine::kind::cpu, 0), stream_(engine_), threads_(threads) {}
  const ::dnnl::engine& engine() const { return engine_; }
  const ::dnnl::stream& stream() const { return stream_; }
  int threads() const { return threads_; }

 private:
  ::dnnl::engine engine_;
  ::dnnl::stream stream_;
  int threads_;
};

// Whether bf16 is best computed in f32 arithmetic: without AMX, Intel's processors multiply pairs of bf16 at half the
// rate of single f32 (measured: 80 against 167 GFLOP/s a core), AMD's at twice that rate.
bool widens_bf16();

// Whether our own kernels multiply bf16 in pairs, by AVX512_BF16's instruction.
bool multiplies_pairs();

// Throws Code::dtype for types that no oneDNN kernel of ours takes.
::dnnl::memory::data_type dnnl_type(DType dtype);

// Attributes that every primitive of ours has: the caller gives the scratchpad (oneDNN's own would tie a primitive to a
// thread), and f32 stays f32.
::dnnl::primitive_attr dnnl_attributes();

// A text of type, extents and layout: equal for equal descriptors.
std::string format_key(const ::dnnl::memory::desc& desc);

// Runs `body`; a oneDNN error becomes ours, saying what was being done.
template <class Body>
auto with_dnnl_errors(std::string_view doing, Body&& body) {
  try {
    return std::forward<Body>(body)();
  } catch (const ::dnnl::error& error) {
    const Code code = error.status == dnnl_out_of_memory ? Code::out_of_memory : Code::internal;
    throw Error(code, text("oneDNN failed while ", doing, ": ", error.what(), " (status ", error.status, ")"));
  }
}

// "preparing conv2d layer1.0.conv1"
std::string preparing(const NodeContext& node);

}  // namespace gyrus::backend::cpu
