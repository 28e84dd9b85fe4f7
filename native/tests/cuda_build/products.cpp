#include <cublasLt.h>
// NVIDIA's header must not see the emulator's macros; the emulator must come before everything else.
#include "tests/cuda/emulator.h"
// This order.
// Products and convolutions as the CUDA backend describes them to cuBLASLt, computed by one on the host: linear layers,
// convolutions over columns in one piece and in several, the packing of weights, tuning and its memory.
#include <map>
#include <string>
#include <vector>

#include "backend/cuda/blas/product.h"
#include "backend/cuda/dnn/dnn.h"
#include "backend/cuda/ops/makers.h"
#include "tests/cases/cases.h"
#include "tests/cuda/choices_folder.h"
#include "tests/cuda/emulated_backend.h"
#include "tests/cuda_build/host_blas.h"
#include "tests/cuda_build/host_context.h"
#include "tests/harness/modes.h"
#include "tests/harness/suites.h"
#include "tests/io/scratch.h"

namespace gyrus::tests::suites {
namespace {

using backend::cuda::Blas;
using backend::cuda::CudaContext;
using backend::cuda::CudaQueue;
using backend::cuda::PlanCache;
using backend::cuda::Product;
using backend::cuda::ProductShape;
using graph::OpKind;

std::unique_ptr<backend::Backend> make_products(std::int64_t most_column_bytes) {
  const auto context = make_host_context();
  context->most_column_bytes = most_column_bytes;
  return make_emulated_backend([context](const backend::NodeView& view) -> std::optional<backend::LoweredKernel> {
    using Maker = backend::LoweredKernel (*)(const backend::cuda::NodeContext&);
    static const std::map<OpKind, Maker> kMakers = {
        {OpKind::conv2d, backend::cuda::make_conv2d},
        {OpKind::conv2d_grad_input, backend::cuda::make_conv2d_grad_input},
        {OpKind::conv2d_grad_weight, backend::cuda::make_conv2d_grad_weight},
        {OpKind::linear, backend::cuda::make_linear},
        {OpKind::linear_grad_input, backend::cuda::make_linear_grad_input},
        {OpKind::linear_grad_weight, backend::cuda::make_linear_grad_weight},
    };
    const auto found = kMakers.find(view.node.kind);
    if (found == kMakers.end()) return std::nullopt;
    return found->second({view, context});
  });
}

std::vector<OpCase> renamed(std::vector<OpCase> cases, const std::string& suffix) {
  for (OpCase& one : cases) one.name += suffix;
  return cases;
}

// [2, 3] [3, 4] with a bias, by one algorithm of the host's.
struct SmallProduct {
  explicit SmallProduct(const std::shared_ptr<CudaContext>& context) : product(context->blas, shape()) {}
  static ProductShape shape() {
    ProductShape s;
    s.rows = 2;
    s.inner = 3;
    s.columns = 4;
    s.has_bias = true;
    return s;
  }
  void tune() { product.tune(left, right, bias, result, scratch); }
  void run() { product.run(left, right, bias, result, scratch); }

  Product product;
  alignas(64) float left[6] = {1, 2, 3, -1, 0, 4}, right[12] = {1, 0, 2, -1, 3, 1, 0, 2, -2, 1, 1, 1},
                    bias[4] = {10, 20, 30, 40}, result[8] = {};
  alignas(64) std::byte scratch[4096] = {};
};

void choose_algorithms(Check& check) {
  const ChoicesFolder folder;
  set_host_algorithms({{.is_listed_as_possible = false}, {.works = false}, {.scratch_bytes = 512}});
  SmallProduct tuned(make_host_context("one"));
  tuned.tune();
  tuned.run();
  check.equal(last_host_algorithm(), std::size_t{2}, "the only algorithm that works is the tuned choice");
  const float expected[8] = {11, 25, 35, 46, 1, 24, 32, 45};
  for (int i = 0; i < 8; ++i) check.equal(tuned.result[i], expected[i], text("element ", i));
  // Another process of the same machine takes what was found, without trying.
  set_host_algorithms({{.is_listed_as_possible = false}, {}, {}});
  SmallProduct again(make_host_context("one"));
  again.tune();
  again.run();
  check.equal(last_host_algorithm(), std::size_t{2}, "the choice is remembered");
  set_host_algorithms({{}});
}

void remember_no_failure(Check& check) {
  const ChoicesFolder folder;
  set_host_algorithms({{.works = false}, {.works = false}});
  {
    SmallProduct product(make_host_context("two"));
    product.tune();
    check.throws(Code::internal, "no algorithm works", [&] { product.run(); });
  }
  check.that(!PlanCache("two").find("product f32 f32 rows2 columns4 inner3 bias"), "nothing is remembered");
  set_host_algorithms({{}});
}

// 'auto' then takes the CPU.
void not_start(Check& check) {
  auto functions = host_blas_functions();
  functions.Create = [](cublasLtHandle_t*) { return CUBLAS_STATUS_NOT_INITIALIZED; };
  const auto queue = std::make_shared<CudaQueue>();
  const std::string message = check.throws(Code::cuda_unavailable, "a library that does not start",
                                           [&] { Blas(functions, queue, std::make_shared<PlanCache>("three")); });
  check.that(contains(message, "cuBLASLt 130101 does not start"), message);
}

}  // namespace

void cuda_products(Suite& suite) {
  const auto backend = make_products(std::int64_t{256} << 20);
  run_cases_on(suite, linear_cases(), *backend);
  run_cases_on(suite, conv2d_cases(), *backend);
  // So little memory for columns that one image fits at once, or four and a rest of two.
  std::vector<OpCase> small = conv2d_cases(), many = small;
  std::erase_if(small, [](const OpCase& one) { return !one.is_small; });
  std::erase_if(many, [](const OpCase& one) { return !one.name.starts_with("many small images"); });
  run_cases_on(suite, renamed(std::move(small), ", an image at a time"), *make_products(1000));
  run_cases_on(suite, renamed(std::move(many), ", few images at a time"), *make_products(30000));
  suite.test("the tuned choice is one that works, and is remembered", choose_algorithms);
  suite.test("a cuBLASLt that does not start means that CUDA is unavailable", not_start);
  suite.test("a tuning without a working candidate is not remembered", remember_no_failure);
}

}  // namespace gyrus::tests::suites
