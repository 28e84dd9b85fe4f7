#include "export/onnx_model.h"

#include "io/file.h"

namespace gyrus::exporting {
namespace {

constexpr std::int64_t kIrVersion = 8, kOpset = 17;
constexpr int kFloat = 1, kInt64 = 7;                                               // TensorProto.DataType
constexpr std::int64_t kAttributeFloat = 1, kAttributeInt = 2, kAttributeInts = 7;  // AttributeProto.AttributeType

Message attribute_message(const std::string& name, const Attribute& attribute) {
  Message message;
  message.text(1, name);
  if (const auto* const real = std::get_if<float>(&attribute)) {
    message.real(2, *real);
    message.integer(20, kAttributeFloat);
  } else if (const auto* const integer = std::get_if<std::int64_t>(&attribute)) {
    message.integer(3, *integer);
    message.integer(20, kAttributeInt);
  } else {
    for (const std::int64_t value : std::get<std::vector<std::int64_t>>(attribute)) message.integer(8, value);
    message.integer(20, kAttributeInts);
  }
  return message;
}

template <class Number>
std::string_view bytes_of(const Number* first, std::size_t count) {
  return {reinterpret_cast<const char*>(first), count * sizeof(Number)};
}

// dims, type and name of a TensorProto.
Message tensor_header(const std::string& name, std::span<const std::int64_t> dims, int type) {
  Message message;
  for (const std::int64_t dim : dims) message.integer(1, dim);
  message.integer(2, type);
  message.text(8, name);
  return message;
}

}  // namespace

std::string OnnxModel::node(std::string_view op, const std::vector<std::string>& inputs, const std::string& output,
                            const Attributes& attributes) {
  Message message;
  for (const std::string& input : inputs) message.text(1, input);
  message.text(2, output);
  message.text(3, output);
  message.text(4, op);
  for (const auto& [name, value] : attributes) message.message(5, attribute_message(name, value));
  nodes_.message(1, message);
  return output;
}

std::string OnnxModel::constant(const std::string& name, std::span<const std::int64_t> dims, int type,
                                std::string_view data) {
  Message message = tensor_header(name, dims, type);
  message.text(9, data);
  constants_.message(5, message);
  return name;
}

std::string OnnxModel::integers(const std::string& name, const std::vector<std::int64_t>& values) {
  const std::int64_t dims[] = {static_cast<std::int64_t>(values.size())};
  return constant(name, dims, kInt64, bytes_of(values.data(), values.size()));
}

std::string OnnxModel::index(const std::string& name, std::int64_t value) {
  return constant(name, {}, kInt64, bytes_of(&value, 1));
}

std::string OnnxModel::number(const std::string& name, float value) {
  return constant(name, {}, kFloat, bytes_of(&value, 1));
}

void OnnxModel::weight(const std::string& name, const Shape& shape, std::span<const float> data) {
  Message header = tensor_header(name, shape.extents(), kFloat);
  header.length(9, data.size_bytes());
  weights_.push_back({std::move(header), data});
}

Message OnnxModel::value_info(const std::string& name, const Shape& shape) {
  Message dims, tensor, type, info;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    Message dim;
    if (axis == 0) {
      dim.text(2, "batch");
    } else {
      dim.integer(1, shape[axis]);
    }
    dims.message(1, dim);
  }
  tensor.integer(1, kFloat);
  tensor.message(2, dims);
  type.message(1, tensor);
  info.text(1, name);
  info.message(2, type);
  return info;
}

// A graph holds its weights and a model its graph, each behind its length: so lengths are summed first, and the
// weights' bytes go from where they are into the file.
void OnnxModel::write(const std::string& path) const {
  Message opset, head, graph_head;
  opset.integer(2, kOpset);
  head.integer(1, kIrVersion);
  head.text(2, "gyrus");
  head.message(8, opset);
  graph_head.text(2, name_);

  std::uint64_t graph_bytes = graph_head.bytes().size();
  for (const Message* part : {&nodes_, &constants_, &inputs_, &outputs_}) graph_bytes += part->bytes().size();
  std::vector<Message> frames;
  for (const Weight& weight : weights_) {
    Message& frame = frames.emplace_back();
    frame.length(5, weight.header.bytes().size() + weight.data.size_bytes());
    graph_bytes += frame.bytes().size() + weight.header.bytes().size() + weight.data.size_bytes();
  }
  head.length(7, graph_bytes);

  io::AtomicFile file(path);
  const auto put = [&file](const std::string& bytes) { file.write(std::as_bytes(std::span(bytes))); };
  put(head.bytes());
  put(graph_head.bytes());
  for (const Message* part : {&nodes_, &constants_, &inputs_, &outputs_}) put(part->bytes());
  for (std::size_t at = 0; at < weights_.size(); ++at) {
    put(frames[at].bytes());
    put(weights_[at].header.bytes());
    file.write(std::as_bytes(weights_[at].data));
  }
  file.commit();
}

}  // namespace gyrus::exporting
