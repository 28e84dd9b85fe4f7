// A file of named tensors, whatever its format: safetensors (safetensors.h) or PyTorch's own (torch_reader.h). Tensors
// are read from the file when asked for, never mapped (file.h says why).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/shape.h"
#include "io/file.h"
#include "io/stored_type.h"

namespace gyrus::io {

struct StoredTensor {
  std::string name;
  StoredType type{};
  Shape shape;              // rank above 5 is Code::file_format naming the tensor
  std::int64_t offset = 0;  // of its first element, in bytes from the file's beginning
  std::int64_t bytes = 0;   // shape.elements() * size_of(type)
  // Elements from one to the next along each axis; empty: row-major, without gaps. All that they reach is in the file.
  std::vector<std::int64_t> strides = {};
};

class TensorFile {
 public:
  virtual ~TensorFile() = default;
  TensorFile(const TensorFile&) = delete;
  TensorFile& operator=(const TensorFile&) = delete;

  const std::string& file() const { return input_.label(); }  // the path, or what stands for it
  // In the order of their bytes in the file: reading them in this order reads the file sequentially.
  std::span<const StoredTensor> tensors() const { return tensors_; }
  // What a safetensors file says of itself; empty for other formats.
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  const StoredTensor* find(std::string_view name) const;  // nullptr: not there
  // Converts to f32 (f64, f16, bf16 and integers included). `out` must have as many elements (Code::shape).
  // Code::file_io when the file was truncated since it was opened. Thread-safe.
  void read_f32(const StoredTensor& tensor, std::span<float> out) const;
  // The same; NaN and infinity are Code::non_finite naming tensor and index. What loading weights uses.
  void read_finite_f32(const StoredTensor& tensor, std::span<float> out) const;

 protected:
  explicit TensorFile(InputFile input) : input_(std::move(input)) {}
  const InputFile& input() const { return input_; }
  // Takes checked tensors with different names, sorted by their offsets.
  void set_tensors(std::vector<StoredTensor> tensors);
  void set_metadata(std::map<std::string, std::string> metadata) { metadata_ = std::move(metadata); }

 private:
  InputFile input_;
  std::vector<StoredTensor> tensors_;
  std::map<std::string, std::string> metadata_;
  std::vector<const StoredTensor*> by_name_;  // sorted; into tensors_
};

// Opens a file of weights and finds its format out by its content, whatever its name. Throws Code::file_not_found,
// Code::file_io, Code::file_format.
std::unique_ptr<TensorFile> open_tensor_file(const std::string& path);

}  // namespace gyrus::io
