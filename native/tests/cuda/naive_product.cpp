#include "tests/cuda/naive_product.h"

#include <vector>

namespace gyrus::tests {
namespace {

using graph::OpKind;

double read(const void* data, DType dtype, std::int64_t at) {
  return dtype == DType::f32 ? static_cast<double>(static_cast<const float*>(data)[at])
                             : static_cast<double>(to_float(static_cast<const bf16_t*>(data)[at]));
}

void write(void* data, DType dtype, std::int64_t at, double value) {
  if (dtype == DType::f32) {
    static_cast<float*>(data)[at] = static_cast<float>(value);
  } else {
    static_cast<bf16_t*>(data)[at] = to_bf16(static_cast<float>(value));
  }
}

// c [m, n] = sum over k of a[m * a_row + k * a_step] b[n * b_row + k * b_step], plus bias [n].
struct Product {
  std::int64_t m = 0, n = 0, k = 0, a_row = 0, a_step = 0, b_row = 0, b_step = 0;
};

Product product_of(const backend::NodeView& node) {
  const Shape &first = node.in_shape(0), &second = node.in_shape(1);
  const OpKind kind = node.node.kind;
  if (kind == OpKind::linear) {  // x [rows, K], w [O, K]
    const std::int64_t k = first.back();
    return {first.rows(), second[0], k, k, 1, k, 1};
  }
  if (kind == OpKind::linear_grad_input) {  // dy [rows, O], w [O, K]
    return {first.rows(), second[1], second[0], first.back(), 1, 1, second[1]};
  }
  GYRUS_CHECK(kind == OpKind::linear_grad_weight, Code::internal, "no product: ", graph::name_of(kind));
  return {second.back(), first.back(), first.rows(), 1, second.back(), 1, first.back()};  // x, dy [rows, O] -> [O, K]
}

class NaiveProduct final : public backend::Kernel {
 public:
  explicit NaiveProduct(const backend::NodeView& node)
      : product_(product_of(node)), is_swapped_(node.node.kind == OpKind::linear_grad_weight) {
    for (std::size_t i = 0; i < node.input_count(); ++i) dtypes_.push_back(node.in_type(i).dtype);
    out_dtype_ = node.out_type(0).dtype;
  }

  void bind(const backend::KernelArgs& args) override {
    in_.assign(args.in.begin(), args.in.end());
    out_ = args.out[0];
  }

  void run() override {
    const std::size_t a = is_swapped_ ? 1 : 0, b = 1 - a;
    for (std::int64_t m = 0; m < product_.m; ++m) {
      for (std::int64_t n = 0; n < product_.n; ++n) {
        double sum = in_.size() > 2 ? read(in_[2], dtypes_[2], n) : 0;
        for (std::int64_t k = 0; k < product_.k; ++k) {
          sum += read(in_[a], dtypes_[a], m * product_.a_row + k * product_.a_step) *
                 read(in_[b], dtypes_[b], n * product_.b_row + k * product_.b_step);
        }
        write(out_, out_dtype_, m * product_.n + n, sum);
      }
    }
  }

 private:
  Product product_;
  bool is_swapped_;
  std::vector<DType> dtypes_;
  DType out_dtype_ = DType::f32;
  std::vector<void*> in_;
  void* out_ = nullptr;
};

}  // namespace

std::unique_ptr<backend::Kernel> make_naive_product(const backend::NodeView& node) {
  return std::make_unique<NaiveProduct>(node);
}

}  // namespace gyrus::tests
