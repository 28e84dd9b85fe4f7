// Linear layers and their gradients. cuBLASLt's GELU epilogue is the tanh approximation and ours is exact, so a fused
// linear + GELU is a product that writes `pre` and a sweep of our own over it, or one kernel of cuDNN's, whose GELU is
// by the error function: whichever is the faster where choices are timed.
#include <algorithm>
#include <array>
#include <utility>

#include "backend/cuda/blas/product.h"
#include "backend/cuda/dnn/dnn.h"
#include "backend/cuda/kernels/gelu.h"
#include "backend/cuda/launch.h"
#include "backend/cuda/ops/makers.h"
#include "backend/cuda/packing.h"

namespace gyrus::backend::cuda {
namespace {

constexpr int kApart = 0, kTogether = 1;  // what the cache remembers of linear + GELU
constexpr int kRepeats = 3;

// Where a product finds its operands among a kernel's, and whether gelu of the result goes to output 0.
struct Operands {
  std::size_t left = 0, right = 1;
  bool has_gelu = false;
};

// cuDNN's kernel for linear + GELU. `plan` is null where it was not asked for, refused, or slower.
struct FusedGelu {
  std::shared_ptr<DnnPlan> plan;
  std::string key, refusal;
};

FusedGelu find_gelu(const NodeContext& node, const ProductShape& shape, const Product& product) {
  FusedGelu found;
  if (shape.result != DType::bf16 || !shape.has_bias || product.terms() < node.cuda->least_tuned_terms) return found;
  const GeluShape asked{shape.rows, shape.columns, shape.inner};
  found.key = text("together or apart, ", key_of(asked));
  if (node.cuda->dnn->cache().find(found.key) == kApart) return found;
  const DnnChoice& choice = node.cuda->dnn->gelu(asked);
  found.plan = choice.plan;
  found.refusal = choice.refusal;
  return found;
}

class Linear final : public Kernel {
 public:
  Linear(const NodeContext& node, const ProductShape& shape, Operands operands)
      : cuda_(node.cuda), product_(node.cuda->blas, shape), shape_(shape), operands_(operands) {
    if (operands.has_gelu) fused_ = find_gelu(node, shape, product_);
    is_together_ = fused_.plan != nullptr;
  }

  std::int64_t scratch_bytes() const override {
    return std::max(product_.scratch_bytes(), fused_.plan ? fused_.plan->scratch_bytes() : 0);
  }
  Way way() const {
    if (fused_.plan) return {"cudnn, fused or not"};
    if (!fused_.refusal.empty()) return {"cublas and own", fused_.refusal, true};
    return {};
  }

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
    if (product_.terms() >= cuda_->least_tuned_terms) product_.tune(left_, right_, bias_, result_, scratch_);
    if (fused_.plan) choose();
  }

  void run() override { is_together_ ? run_together() : run_apart(); }

 private:
  void run_together() {
    const std::array<void*, 5> operands{left_, right_, bias_, result_, gelu_.y};
    fused_.plan->run(operands, scratch_);
  }
  void run_apart() {
    product_.run(left_, right_, bias_, result_, scratch_);
    if (operands_.has_gelu) gelu_forward(cuda_->queue->stream(), gelu_);
  }

  void choose() {
    const std::array<void*, 5> operands{left_, right_, bias_, result_, gelu_.y};
    fused_.plan->tune(operands, scratch_);
    PlanCache& cache = cuda_->dnn->cache();
    if (const auto known = cache.find(fused_.key)) is_together_ = known == kTogether;
    if (cache.find(fused_.key) || !cache.is_tuning()) return;
    const auto seconds = [&](auto&& once) {
      once();  // warms up
      return cuda_->queue->seconds([&] {
        for (int i = 0; i < kRepeats; ++i) once();
      });
    };
    is_together_ = seconds([&] { run_together(); }) <= seconds([&] { run_apart(); });
    cache.keep(fused_.key, is_together_ ? kTogether : kApart);
  }

  std::shared_ptr<const CudaContext> cuda_;
  Product product_;
  ProductShape shape_;
  Operands operands_;
  FusedGelu fused_;
  bool is_together_ = false;
  void *left_ = nullptr, *right_ = nullptr, *bias_ = nullptr;
  void *result_ = nullptr, *scratch_ = nullptr;
  GeluArgs gelu_;
};

LoweredKernel lower(const NodeContext& node, const ProductShape& shape, Operands operands,
                    std::initializer_list<std::size_t> stored) {
  auto kernel = std::make_unique<Linear>(node, shape, operands);
  LoweredKernel lowered;
  lowered.way = kernel->way();
  lowered.kernel = std::move(kernel);
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
