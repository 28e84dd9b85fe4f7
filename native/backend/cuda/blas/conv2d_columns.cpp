// A few images at a time, so that the columns stay within a bound:
//   forward      y = columns(x) w^T;   grad_input  dx = gather(dy w);   grad_weight  dw = sum of dy^T columns(x)
// Rows of columns and of weights are padded to a multiple of eight elements, the 16 bytes that tensor cores read.
#include "backend/cuda/blas/conv2d_columns.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "backend/cuda/blas/product.h"
#include "backend/cuda/kernels/window_columns.h"
#include "backend/cuda/launch.h"
#include "backend/cuda/packing.h"

namespace gyrus::backend::cuda {
namespace {

using Direction = ConvShape::Direction;

std::int64_t aligned(std::int64_t bytes) { return (bytes + 255) / 256 * 256; }
std::int64_t row_width(const ConvShape& s) { return (s.kh * s.kw * s.ci + 7) / 8 * 8; }

WindowGeometry window_geometry(const ConvShape& s, std::int64_t images) {
  WindowGeometry g;
  g.images = images;
  g.height = s.h;
  g.width = s.w;
  g.channels = s.ci;
  g.out_height = s.oh;
  g.out_width = s.ow;
  g.kernel_height = s.kh;
  g.kernel_width = s.kw;
  g.stride = s.stride;
  g.padding = s.padding;
  g.row_width = row_width(s);
  return g;
}

// The product over `images` images. `adds`: of a weight gradient, to what earlier images gave.
ProductShape product_shape(const ConvShape& s, std::int64_t images, bool adds, bool has_bias) {
  const std::int64_t rows = images * s.oh * s.ow, width = row_width(s);
  ProductShape p;
  p.factors = p.result = s.dtype;
  p.has_bias = has_bias;
  // A later product begins within y: as far apart as images are, the power of two in their size.
  const std::int64_t image_bytes = s.oh * s.ow * s.co * size_of(s.dtype);
  if (images < s.n) p.alignment = std::min(p.alignment, image_bytes & -image_bytes);
  switch (s.direction) {
    case Direction::forward:
      p.rows = rows;
      p.columns = s.co;
      p.inner = width;
      p.is_right_transposed = true;
      break;
    case Direction::grad_input:
      p.rows = rows;
      p.columns = width;
      p.inner = s.co;
      break;
    case Direction::grad_weight:
      p.rows = s.co;
      p.columns = width;
      p.inner = rows;
      p.is_left_transposed = true;
      p.result = DType::f32;
      p.adds = adds;
      break;
  }
  return p;
}

class ColumnsConvolution final : public Kernel {
 public:
  ColumnsConvolution(const NodeContext& node, const ConvShape& shape) : cuda_(node.cuda), shape_(shape) {
    const std::int64_t image_bytes = shape.oh * shape.ow * row_width(shape) * size_of(shape.dtype);
    chunk_ = std::clamp<std::int64_t>(node.cuda->most_column_bytes / image_bytes, 1, shape.n);
    columns_bytes_ = aligned(chunk_ * image_bytes);
    if (shape.direction == Direction::grad_weight) rows_bytes_ = aligned(shape.co * row_width(shape) * 4);
    has_bias_ = shape.direction == Direction::forward && node.input_count() > 2;
    add_product(chunk_, false);
    if (chunk_ < shape.n) {
      add_product(chunk_, true);
      if (shape.n % chunk_ != 0) add_product(shape.n % chunk_, true);
    }
  }

  std::int64_t scratch_bytes() const override { return rows_bytes_ + columns_bytes_ + product_bytes_; }

  void bind(const KernelArgs& args) override {
    args_ = {static_cast<std::byte*>(args.in[0]), static_cast<std::byte*>(args.in[1]),
             static_cast<std::byte*>(args.out[0]), has_bias_ ? args.in[2] : nullptr};
    rows_ = static_cast<float*>(args.scratch);
    columns_ = static_cast<std::byte*>(args.scratch) + rows_bytes_;
    product_scratch_ = columns_ + columns_bytes_;
    for (const Prepared& prepared : products_) {
      if (prepared.product->terms() >= cuda_->least_tuned_terms) tune(*prepared.product);
    }
  }

  void run() override {
    const Stream stream = cuda_->queue->stream();
    for (std::int64_t first = 0; first < shape_.n; first += chunk_) {
      run_chunk(stream, first, std::min(chunk_, shape_.n - first));
    }
    if (shape_.direction == Direction::grad_weight) {
      WeightRowsBackwardArgs unpack;
      unpack.rows = rows_;
      unpack.masters = reinterpret_cast<float*>(args_.out);
      unpack.out_channels = shape_.co;
      unpack.channels = shape_.ci;
      unpack.window = shape_.kh * shape_.kw;
      unpack.row_width = row_width(shape_);
      weight_rows_backward(stream, unpack);
    }
  }

 private:
  struct Operands {
    std::byte *first = nullptr, *second = nullptr, *out = nullptr;
    const void* bias = nullptr;
  };
  struct Prepared {
    std::int64_t images = 0;
    bool adds = false;
    std::unique_ptr<Product> product;
  };

  void add_product(std::int64_t images, bool is_later) {
    const bool adds = is_later && shape_.direction == Direction::grad_weight;
    if (find(images, adds) != nullptr) return;
    auto product = std::make_unique<Product>(cuda_->blas, product_shape(shape_, images, adds, has_bias_));
    product_bytes_ = std::max(product_bytes_, product->scratch_bytes());
    products_.push_back({images, adds, std::move(product)});
  }
  Product* find(std::int64_t images, bool adds) const {
    for (const Prepared& prepared : products_) {
      if (prepared.images == images && prepared.adds == adds) return prepared.product.get();
    }
    return nullptr;
  }

  // On the first images' operands: the product over a rest of them fits there too.
  void tune(Product& product) const {
    switch (shape_.direction) {
      case Direction::forward:
        product.tune(columns_, args_.second, args_.bias, args_.out, product_scratch_);
        break;
      case Direction::grad_input:
        product.tune(args_.first, args_.second, nullptr, columns_, product_scratch_);
        break;
      case Direction::grad_weight:
        product.tune(args_.second, columns_, nullptr, rows_, product_scratch_);
        break;
    }
  }

  void run_chunk(Stream stream, std::int64_t first, std::int64_t images) {
    const ConvShape& s = shape_;
    const std::int64_t width = size_of(s.dtype);
    const std::int64_t x_at = first * s.h * s.w * s.ci * width, y_at = first * s.oh * s.ow * s.co * width;
    Product& product = *find(images, first > 0 && s.direction == Direction::grad_weight);
    if (s.direction == Direction::grad_input) {
      product.run(args_.first + y_at, args_.second, nullptr, columns_, product_scratch_);
      window_columns_backward(stream, {columns_, args_.out + x_at, s.dtype, window_geometry(s, images)});
      return;
    }
    window_columns_forward(stream, {args_.first + x_at, columns_, s.dtype, window_geometry(s, images)});
    if (s.direction == Direction::forward) {
      product.run(columns_, args_.second, args_.bias, args_.out + y_at, product_scratch_);
    } else {
      product.run(args_.second + y_at, columns_, nullptr, rows_, product_scratch_);
    }
  }

  std::shared_ptr<const CudaContext> cuda_;
  ConvShape shape_;
  std::int64_t chunk_ = 1, rows_bytes_ = 0, columns_bytes_ = 0, product_bytes_ = 0;
  std::vector<Prepared> products_;
  bool has_bias_ = false;
  Operands args_;
  float* rows_ = nullptr;  // of a weight gradient, [Co, row_width]
  std::byte* columns_ = nullptr;
  void* product_scratch_ = nullptr;
};

PackRequest request_rows(const NodeContext& node, const ConvShape& shape) {
  WeightRowsArgs args;
  args.dtype = shape.dtype;
  args.out_channels = shape.co;
  args.channels = shape.ci;
  args.window = shape.kh * shape.kw;
  args.row_width = row_width(shape);
  const auto make = [args, cuda = node.cuda]() -> std::unique_ptr<Kernel> {
    const auto place = [](WeightRowsArgs& a, const KernelArgs& k) {
      a.masters = floats(static_cast<const void*>(k.in[0]));
      a.rows = k.out[0];
    };
    return std::make_unique<Launch<WeightRowsArgs>>(cuda, args, weight_rows_forward, place, 0);
  };
  return {1, text("rows ", name_of(shape.dtype)), shape.co * args.row_width * size_of(shape.dtype), make};
}

}  // namespace

LoweredKernel make_conv2d_columns(const NodeContext& node, const ConvShape& shape) {
  LoweredKernel lowered{std::make_unique<ColumnsConvolution>(node, shape), {}};
  if (shape.direction != Direction::grad_weight) lowered.packs.push_back(request_rows(node, shape));
  if (shape.direction == Direction::forward && node.input_count() > 2) {
    if (auto pack = request_cast(node, 2, shape.dtype)) lowered.packs.push_back(std::move(*pack));
  }
  return lowered;
}

}  // namespace gyrus::backend::cuda
