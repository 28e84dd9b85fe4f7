// safetensors (science.md F4): u64 little-endian header length, JSON header, raw tensors. The reader trusts nothing:
// it allocates no more than the file's size justifies, and every error names the file, the tensor and the remedy.
// Tensors are read from the file when asked for, never mapped (file.h says why).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/shape.h"
#include "io/stored_type.h"

namespace gyrus::io {

struct StoredTensor {
  std::string name;
  StoredType type{};
  Shape shape;              // rank above 5 is Code::file_format naming the tensor
  std::int64_t offset = 0;  // of its first byte, in bytes from the file's beginning
  std::int64_t bytes = 0;   // shape.elements() * size_of(type)
};

class SafetensorsReader {
 public:
  // Opens the file and checks its whole header: length within the file, valid UTF-8 JSON, no duplicate keys, known
  // dtypes, shapes without overflow, sizes that equal the offsets, offsets that neither overlap nor leave gaps. Throws
  // Code::file_not_found, Code::file_io, Code::file_format.
  explicit SafetensorsReader(const std::string& path);
  // The same over bytes in memory (fuzzing, tests); `label` stands for the path in messages.
  SafetensorsReader(std::span<const std::byte> bytes, std::string label);
  ~SafetensorsReader();
  SafetensorsReader(const SafetensorsReader&) = delete;
  SafetensorsReader& operator=(const SafetensorsReader&) = delete;

  const std::string& file() const;  // the path or label
  // In the order of their bytes in the file: reading them in this order reads the file sequentially.
  std::span<const StoredTensor> tensors() const;
  const StoredTensor* find(std::string_view name) const;  // nullptr: not there
  const std::map<std::string, std::string>& metadata() const;
  // Converts to f32 (f64, f16, bf16 and integers included). `out` must have as many elements (Code::shape).
  // Code::file_io when the file was truncated since it was opened. Thread-safe.
  void read_f32(const StoredTensor& tensor, std::span<float> out) const;
  // The same; NaN and infinity are Code::non_finite naming tensor and index. What loading weights uses.
  void read_finite_f32(const StoredTensor& tensor, std::span<float> out) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// What to write: f32 data by pointer, [shape] in C order; or one i64, as PyTorch keeps its counters.
struct TensorToWrite {
  std::string name;
  Shape shape;
  std::span<const float> data;
  std::optional<std::int64_t> counter = std::nullopt;  // then `shape` has rank 0, and `data` is empty
  std::span<const std::byte> bytes() const {
    return counter ? std::as_bytes(std::span(&*counter, 1)) : std::as_bytes(data);
  }
};
// Through an AtomicFile (file.h): `path` holds its old bytes or all the new ones. Tensors keep their order; the data
// begins at a multiple of 8 bytes. Throws Code::name (empty, repeated, not UTF-8), Code::shape, Code::file_not_found,
// Code::file_io.
void write_safetensors(const std::string& path, std::span<const TensorToWrite> tensors,
                       const std::map<std::string, std::string>& metadata = {});
// The bytes before the data: length and header, a multiple of 8 bytes.
std::string safetensors_prefix(std::span<const TensorToWrite> tensors,
                               const std::map<std::string, std::string>& metadata);

}  // namespace gyrus::io
