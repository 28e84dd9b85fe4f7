// Linear layers and their gradients. cuBLASLt's GELU epilogue is the tanh approximation and ours is exact, so a fused
// linear + GELU is a product that writes `pre` and a sweep of our own over it.
#include <utility>

#include "backend/cuda/blas/product.h"
#include "backend/cuda/kernels/gelu.h"
#include "backend/cuda/launch.h"
#include "backend/cuda/ops/makers.h"
#include "backend/cuda/packing.h"

namespace gyrus::backend::cuda {
namespace {

// Smaller products are over before a better kernel could tell.
constexpr std::int64_t kTunedProducts = std::int64_t{1} << 28;

// Where a product finds its operands among a kernel's, and whether gelu of the result goes to output 0.
struct Operands {
  std::size_t left = 0, right = 1;
  bool has_gelu = false;
};

class Linear final : public Kernel {
 public:
  Linear(const NodeContext& node, const ProductShape& shape, Operands operands)
      : cuda_(node.cuda), product_(node.cuda->blas, shape), shape_(shape), operands_(operands) {}

  std::int64_t scratch_bytes() const override { return product_.scratch_bytes(); }

  void bind(const KernelArgs& args) override {
    left_ = args.in[operands_.left];
    right_ = args.in[operands_.right];
    bias_ = shape_.has_bias ? args.in[2] : nullptr;
    result_ = args.out[operands_.has_gelu ? 1 : 0];
    scratch_ = args.scratch;
    if (operands_.has_gelu) {
      gelu_.x = result_;
      gelu_.y = args.out[0];
      gelu_.dtype = shape_.result;
      gelu_.count = shape_.rows * shape_.columns;
    }
    if (shape_.rows * shape_.columns * shape_.inner >= kTunedProducts) {
      product_.tune(left_, right_, bias_, result_, scratch_);
    }
  }

  void run() override {
    product_.run(left_, right_, bias_, result_, scratch_);
    if (operands_.has_gelu) gelu_forward(cuda_->queue->stream(), gelu_);
  }

 private:
  std::shared_ptr<const CudaContext> cuda_;
  Product product_;
  ProductShape shape_;
  Operands operands_;
  const void *left_ = nullptr, *right_ = nullptr, *bias_ = nullptr;
  void *result_ = nullptr, *scratch_ = nullptr;
  GeluArgs gelu_;
};

LoweredKernel lower(const NodeContext& node, const ProductShape& shape, Operands operands,
                    std::initializer_list<std::size_t> stored) {
  LoweredKernel lowered{std::make_unique<Linear>(node, shape, operands), {}};
  for (const std::size_t input : stored) {
    if (auto pack = request_cast(node, input, shape.factors)) lowered.packs.push_back(std::move(*pack));
  }
  return lowered;
}

}  // namespace

// y [rows, O] = x [rows, K] w^T + bias; w lies as [O, K].
LoweredKernel make_linear(const NodeContext& node) {
  const Shape& w = node.in_shape(1);
  ProductShape shape;
  shape.rows = node.in_shape(0).rows();
  shape.columns = w[0];
  shape.inner = w[1];
  shape.is_right_transposed = true;
  shape.factors = shape.result = node.in_type(0).dtype;
  shape.has_bias = node.input_count() > 2;
  const bool has_gelu = node.attrs<graph::LinearAttrs>().activation == graph::Activation::gelu;
  if (shape.has_bias) return lower(node, shape, {0, 1, has_gelu}, {1, 2});
  return lower(node, shape, {0, 1, has_gelu}, {1});
}

// dx [rows, K] = dy [rows, O] w.
LoweredKernel make_linear_grad_input(const NodeContext& node) {
  const Shape& w = node.in_shape(1);
  ProductShape shape;
  shape.rows = node.in_shape(0).rows();
  shape.columns = w[1];
  shape.inner = w[0];
  shape.factors = shape.result = node.in_type(0).dtype;
  return lower(node, shape, {0, 1, false}, {1});
}

// dw [O, K] f32 = dy^T x; inputs x, dy.
LoweredKernel make_linear_grad_weight(const NodeContext& node) {
  ProductShape shape;
  shape.rows = node.in_shape(1).back();
  shape.columns = node.in_shape(0).back();
  shape.inner = node.in_shape(0).rows();
  shape.is_left_transposed = true;
  shape.factors = node.in_type(0).dtype;
  shape.result = DType::f32;
  return lower(node, shape, {1, 0, false}, {});
}

}  // namespace gyrus::backend::cuda
