// An ONNX model in the making: nodes, constants and weights, and the file of them. Numbers of fields and types are
// those of onnx.proto3; operators are of opset 17.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/shape.h"
#include "export/protobuf.h"

namespace gyrus::exporting {

using Attribute = std::variant<std::int64_t, float, std::vector<std::int64_t>>;
using Attributes = std::map<std::string, Attribute>;

class OnnxModel {
 public:
  explicit OnnxModel(std::string name) : name_(std::move(name)) {}

  // A node with one output, whose name is given back. Names of outputs must differ.
  std::string node(std::string_view op, const std::vector<std::string>& inputs, const std::string& output,
                   const Attributes& attributes = {});
  // The data must outlive write().
  void weight(const std::string& name, const Shape& shape, std::span<const float> data);
  std::string integers(const std::string& name, const std::vector<std::int64_t>& values);  // of rank 1
  std::string index(const std::string& name, std::int64_t value);                          // of rank 0
  std::string number(const std::string& name, float value);                                // of rank 0
  // The first axis is the batch, of any size.
  void input(const std::string& name, const Shape& shape) { inputs_.message(11, value_info(name, shape)); }
  void output(const std::string& name, const Shape& shape) { outputs_.message(12, value_info(name, shape)); }

  // Through an AtomicFile: the old file or the whole new one.
  void write(const std::string& path) const;

 private:
  struct Weight {
    Message header;  // of the tensor, up to and with the length of its data
    std::span<const float> data;
  };
  static Message value_info(const std::string& name, const Shape& shape);
  std::string constant(const std::string& name, std::span<const std::int64_t> dims, int type, std::string_view data);

  std::string name_;
  Message nodes_, constants_, inputs_, outputs_;
  std::vector<Weight> weights_;
};

}  // namespace gyrus::exporting
