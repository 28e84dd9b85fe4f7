// safetensors (science.md F4): u64 little-endian header length, JSON header, raw tensors. The reader trusts nothing:
// it allocates no more than the file's size justifies, and every error names the file, the tensor and the remedy.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/shape.h"
#include "io/tensor_file.h"

namespace gyrus::io {

class SafetensorsReader final : public TensorFile {
 public:
  // Opens the file and checks its whole header: length within the file, valid UTF-8 JSON, no duplicate keys, known
  // dtypes, shapes without overflow, sizes that equal the offsets, offsets that neither overlap nor leave gaps. Throws
  // Code::file_not_found, Code::file_io, Code::file_format.
  explicit SafetensorsReader(const std::string& path);
  // The same over bytes in memory (fuzzing, tests); `label` stands for the path in messages.
  SafetensorsReader(std::span<const std::byte> bytes, std::string label);
  explicit SafetensorsReader(InputFile opened);
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
