#include "tests/cuda_build/host_graph.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>

#include "core/dtype.h"

namespace gyrus::tests {
namespace {

using Extents = std::vector<std::int64_t>;

// A tensor's elements in row-major order of its extents, whatever its strides.
struct Array {
  Extents extents;
  std::vector<double> values;

  std::int64_t at(const Extents& index) const {
    std::int64_t place = 0;
    for (std::size_t axis = 0; axis < extents.size(); ++axis) place = place * extents[axis] + index[axis];
    return place;
  }
  double value(const Extents& index) const { return values[static_cast<std::size_t>(at(index))]; }
};

std::int64_t count_of(const Extents& extents) {
  std::int64_t count = 1;
  for (const std::int64_t extent : extents) count *= extent;
  return count;
}

void for_each(const Extents& extents, const std::function<void(const Extents&)>& visit) {
  Extents index(extents.size(), 0);
  for (std::int64_t left = count_of(extents); left > 0; --left) {
    visit(index);
    for (std::size_t axis = extents.size(); axis-- > 0 && ++index[axis] == extents[axis];) index[axis] = 0;
  }
}

// What does not fit together.
class Misfit {};
void demand(bool holds) {
  if (!holds) throw Misfit();
}

class Run {
 public:
  explicit Run(const std::map<std::int64_t, void*>& pointers) : pointers_(pointers) {}

  void operation(const HostDescriptor& op) {
    switch (static_cast<int>(op.type)) {
      case CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR:
        return forward(op);
      case CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR:
        return grad_input(op);
      case CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR:
        return grad_weight(op);
      case CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR:
        return product(op);
      case CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR:
        return reduction(op);
      default:
        return pointwise(op);
    }
  }

 private:
  static std::int64_t id_of(const HostDescriptor& tensor) {
    return tensor.one<std::int64_t>(CUDNN_ATTR_TENSOR_UNIQUE_ID);
  }
  static bool is_virtual(const HostDescriptor& tensor) {
    return tensor.has(CUDNN_ATTR_TENSOR_IS_VIRTUAL) && tensor.one<bool>(CUDNN_ATTR_TENSOR_IS_VIRTUAL);
  }
  static DType dtype_of(const HostDescriptor& tensor) {
    const auto type = tensor.one<cudnnDataType_t>(CUDNN_ATTR_TENSOR_DATA_TYPE);
    demand(type == CUDNN_DATA_FLOAT || type == CUDNN_DATA_BFLOAT16);
    return type == CUDNN_DATA_FLOAT ? DType::f32 : DType::bf16;
  }

  // Where element `index` lies, in elements.
  static std::int64_t place(const Extents& strides, const Extents& index) {
    std::int64_t at = 0;
    for (std::size_t axis = 0; axis < index.size(); ++axis) at += index[axis] * strides[axis];
    return at;
  }
  void* pointer(const HostDescriptor& tensor) const {
    const auto found = pointers_.find(id_of(tensor));
    demand(found != pointers_.end() && found->second != nullptr);
    const auto alignment = tensor.one<std::int64_t>(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT);
    demand(reinterpret_cast<std::uintptr_t>(found->second) % static_cast<std::uintptr_t>(alignment) == 0);
    return found->second;
  }

  const Array& read(const HostDescriptor& tensor) {
    const auto made = arrays_.find(id_of(tensor));
    if (made != arrays_.end()) return made->second;
    demand(!is_virtual(tensor));  // nobody computed it before
    Array array{tensor.all<std::int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS), {}};
    const auto strides = tensor.all<std::int64_t>(CUDNN_ATTR_TENSOR_STRIDES);
    const void* const data = pointer(tensor);
    const bool is_f32 = dtype_of(tensor) == DType::f32;
    for_each(array.extents, [&](const Extents& index) {
      const std::int64_t at = place(strides, index);
      const float value = is_f32 ? static_cast<const float*>(data)[at] : to_float(static_cast<const bf16_t*>(data)[at]);
      array.values.push_back(static_cast<double>(value));
    });
    return arrays_.emplace(id_of(tensor), std::move(array)).first->second;
  }

  // Rounds to the tensor's type, as what reads it later in the graph then sees it.
  void write(const HostDescriptor& tensor, Array array) {
    demand(array.extents == tensor.all<std::int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS));
    const bool is_f32 = dtype_of(tensor) == DType::f32;
    for (double& value : array.values) {
      const auto narrow = static_cast<float>(value);
      value = static_cast<double>(is_f32 ? narrow : to_float(to_bf16(narrow)));
    }
    if (!is_virtual(tensor)) {
      const auto strides = tensor.all<std::int64_t>(CUDNN_ATTR_TENSOR_STRIDES);
      void* const data = pointer(tensor);
      for_each(array.extents, [&](const Extents& index) {
        const auto value = static_cast<float>(array.value(index));
        const std::int64_t at = place(strides, index);
        if (is_f32) {
          static_cast<float*>(data)[at] = value;
        } else {
          static_cast<bf16_t*>(data)[at] = to_bf16(value);
        }
      });
    }
    demand(arrays_.emplace(id_of(tensor), std::move(array)).second);
  }

  // Calls use(n, co, ci, place in y, place in x, place in w) for every term of the convolution y = x * w.
  template <class Use>
  static void for_each_term(const HostDescriptor& geometry, const Extents& x, const Extents& w, const Extents& y,
                            const Use& use) {
    const auto padding = geometry.all<std::int64_t>(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS),
               stride = geometry.all<std::int64_t>(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES),
               dilation = geometry.all<std::int64_t>(CUDNN_ATTR_CONVOLUTION_DILATIONS);
    demand(geometry.one<cudnnConvolutionMode_t>(CUDNN_ATTR_CONVOLUTION_CONV_MODE) == CUDNN_CROSS_CORRELATION);
    demand(geometry.one<cudnnDataType_t>(CUDNN_ATTR_CONVOLUTION_COMP_TYPE) == CUDNN_DATA_FLOAT);
    demand(padding == geometry.all<std::int64_t>(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS) && dilation == Extents{1, 1});
    demand(x[0] == y[0] && x[1] == w[1] && y[1] == w[0]);
    for (std::size_t axis = 0; axis < 2; ++axis) {
      demand(y[axis + 2] == (x[axis + 2] + 2 * padding[axis] - w[axis + 2]) / stride[axis] + 1);
    }
    for_each({y[0], y[1], y[2], y[3]}, [&](const Extents& o) {
      const std::size_t to = static_cast<std::size_t>(((o[0] * y[1] + o[1]) * y[2] + o[2]) * y[3] + o[3]);
      for (std::int64_t c = 0; c < x[1]; ++c) {
        for (std::int64_t r = 0; r < w[2]; ++r) {
          const std::int64_t row = o[2] * stride[0] + r - padding[0];
          if (row < 0 || row >= x[2]) continue;
          for (std::int64_t s = 0; s < w[3]; ++s) {
            const std::int64_t column = o[3] * stride[1] + s - padding[1];
            if (column < 0 || column >= x[3]) continue;
            use(to, static_cast<std::size_t>(((o[0] * x[1] + c) * x[2] + row) * x[3] + column),
                static_cast<std::size_t>(((o[1] * w[1] + c) * w[2] + r) * w[3] + s));
          }
        }
      }
    });
  }

  static Array zeros(const HostDescriptor& tensor) {
    Array array{tensor.all<std::int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS), {}};
    array.values.assign(static_cast<std::size_t>(count_of(array.extents)), 0);
    return array;
  }

  void forward(const HostDescriptor& op) {
    const HostDescriptor& to = op.descriptor(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y);
    const Array &x = read(op.descriptor(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X)),
                &w = read(op.descriptor(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W));
    Array y = zeros(to);
    for_each_term(op.descriptor(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC), x.extents, w.extents, y.extents,
                  [&](std::size_t o, std::size_t i, std::size_t k) { y.values[o] += x.values[i] * w.values[k]; });
    write(to, std::move(y));
  }
  void grad_input(const HostDescriptor& op) {
    const HostDescriptor& to = op.descriptor(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX);
    const Array &dy = read(op.descriptor(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY)),
                &w = read(op.descriptor(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W));
    Array dx = zeros(to);
    for_each_term(op.descriptor(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC), dx.extents, w.extents, dy.extents,
                  [&](std::size_t o, std::size_t i, std::size_t k) { dx.values[i] += dy.values[o] * w.values[k]; });
    write(to, std::move(dx));
  }
  void grad_weight(const HostDescriptor& op) {
    const HostDescriptor& to = op.descriptor(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW);
    const Array &dy = read(op.descriptor(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY)),
                &x = read(op.descriptor(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X));
    Array dw = zeros(to);
    for_each_term(op.descriptor(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC), x.extents, dw.extents,
                  dy.extents,
                  [&](std::size_t o, std::size_t i, std::size_t k) { dw.values[k] += dy.values[o] * x.values[i]; });
    write(to, std::move(dw));
  }

  void product(const HostDescriptor& op) {
    const Array &a = read(op.descriptor(CUDNN_ATTR_OPERATION_MATMUL_ADESC)),
                &b = read(op.descriptor(CUDNN_ATTR_OPERATION_MATMUL_BDESC));
    const HostDescriptor& to = op.descriptor(CUDNN_ATTR_OPERATION_MATMUL_CDESC);
    Array c = zeros(to);
    const Extents &m = a.extents, &n = b.extents;
    demand(m.size() == 3 && n.size() == 3 && m[2] == n[1] && c.extents == Extents({m[0], m[1], n[2]}) && n[0] == m[0]);
    std::size_t at = 0;
    for_each(c.extents, [&](const Extents& i) {
      double sum = 0;
      for (std::int64_t k = 0; k < m[2]; ++k) sum += a.value({i[0], i[1], k}) * b.value({i[0], k, i[2]});
      c.values[at++] = sum;
    });
    write(to, std::move(c));
  }

  // Sums over the axes along which the result has one element, in a fixed order.
  void reduction(const HostDescriptor& op) {
    const HostDescriptor& described = op.descriptor(CUDNN_ATTR_OPERATION_REDUCTION_DESC);
    demand(described.one<cudnnReduceTensorOp_t>(CUDNN_ATTR_REDUCTION_OPERATOR) == CUDNN_REDUCE_TENSOR_ADD);
    demand(described.one<cudnnDataType_t>(CUDNN_ATTR_REDUCTION_COMP_TYPE) == CUDNN_DATA_FLOAT);
    demand(described.one<bool>(CUDNN_ATTR_REDUCTION_IS_DETERMINISTIC));
    const HostDescriptor& to = op.descriptor(CUDNN_ATTR_OPERATION_REDUCTION_YDESC);
    const Array& x = read(op.descriptor(CUDNN_ATTR_OPERATION_REDUCTION_XDESC));
    Array y = zeros(to);
    demand(x.extents.size() == y.extents.size());
    for_each(x.extents, [&](const Extents& index) {
      Extents place_in_y = index;
      for (std::size_t axis = 0; axis < index.size(); ++axis) {
        demand(y.extents[axis] == x.extents[axis] || y.extents[axis] == 1);
        if (y.extents[axis] == 1) place_in_y[axis] = 0;
      }
      y.values[static_cast<std::size_t>(y.at(place_in_y))] += x.value(index);
    });
    write(to, std::move(y));
  }

  void pointwise(const HostDescriptor& op) {
    const HostDescriptor& described = op.descriptor(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR);
    demand(described.one<cudnnDataType_t>(CUDNN_ATTR_POINTWISE_MATH_PREC) == CUDNN_DATA_FLOAT);
    const auto mode = described.one<cudnnPointwiseMode_t>(CUDNN_ATTR_POINTWISE_MODE);
    const HostDescriptor& to = op.descriptor(CUDNN_ATTR_OPERATION_POINTWISE_YDESC);
    const Array& x = read(op.descriptor(CUDNN_ATTR_OPERATION_POINTWISE_XDESC));
    const Array* b = nullptr;
    if (op.has(CUDNN_ATTR_OPERATION_POINTWISE_BDESC)) b = &read(op.descriptor(CUDNN_ATTR_OPERATION_POINTWISE_BDESC));
    demand((b != nullptr) == (mode == CUDNN_POINTWISE_ADD || mode == CUDNN_POINTWISE_MUL));
    Array y = zeros(to);
    demand(x.extents == y.extents);
    std::size_t at = 0;
    for_each(y.extents, [&](const Extents& index) {
      double other = 0;
      if (b != nullptr) {
        Extents place_in_b = index;  // extents of one are repeated
        for (std::size_t axis = 0; axis < index.size(); ++axis) {
          demand(b->extents[axis] == y.extents[axis] || b->extents[axis] == 1);
          if (b->extents[axis] == 1) place_in_b[axis] = 0;
        }
        other = b->value(place_in_b);
      }
      y.values[at] = apply(mode, x.values[at], other);
      ++at;
    });
    write(to, std::move(y));
  }

  static double apply(cudnnPointwiseMode_t mode, double x, double b) {
    switch (static_cast<int>(mode)) {
      case CUDNN_POINTWISE_ADD:
        return x + b;
      case CUDNN_POINTWISE_MUL:
        return x * b;
      case CUDNN_POINTWISE_RELU_FWD:
        return x > 0 ? x : 0;
      case CUDNN_POINTWISE_GELU_FWD:
        return x * 0.5 * (1 + std::erf(x * std::sqrt(0.5)));
      default:
        throw Misfit();
    }
  }

  const std::map<std::int64_t, void*>& pointers_;
  std::map<std::int64_t, Array> arrays_;
};

}  // namespace

bool is_known_host_graph(const HostDescriptor& graph) {
  const auto& operations = graph.attributes.at(CUDNN_ATTR_OPERATIONGRAPH_OPS).descriptors;
  return std::all_of(operations.begin(), operations.end(), [](const auto& op) {
    return op->type == CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR ||
           op->type == CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR ||
           op->type == CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR ||
           op->type == CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR ||
           op->type == CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR ||
           op->type == CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR;
  });
}

cudnnStatus_t run_host_graph(const HostDescriptor& graph, const std::map<std::int64_t, void*>& pointers) {
  try {
    Run run(pointers);
    for (const auto& op : graph.attributes.at(CUDNN_ATTR_OPERATIONGRAPH_OPS).descriptors) run.operation(*op);
  } catch (const Misfit&) {
    return CUDNN_STATUS_BAD_PARAM;
  } catch (const std::out_of_range&) {
    return CUDNN_STATUS_BAD_PARAM;
  }
  return CUDNN_STATUS_SUCCESS;
}

}  // namespace gyrus::tests
