// NumPy .npy files, versions 1.0 to 3.0: what `gyrus embed` reads and writes.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/shape.h"

namespace gyrus::io {

// A .npy array in a file, read when asked for. C order, little-endian f32, f64, f16 or u16/u8/i16; other elements are
// Code::dtype, Fortran order is Code::file_format, with the remedy (numpy.ascontiguousarray). Same rules of distrust as
// safetensors.h: the file must hold exactly the bytes that its shape asks for.
class NpyReader {
 public:
  // Throws Code::file_not_found, Code::file_io, Code::file_format, Code::dtype.
  explicit NpyReader(const std::string& path);
  // The same over bytes in memory that outlive the reader; `label` stands for the path in messages.
  NpyReader(std::span<const std::byte> bytes, std::string label);
  ~NpyReader();
  NpyReader(const NpyReader&) = delete;
  NpyReader& operator=(const NpyReader&) = delete;
  const std::string& file() const;  // the path or label
  const Shape& shape() const;
  std::string_view dtype() const;  // "<f4"
  // Elements [first, first + out.size()) as f32. Code::invalid_argument when they are not all there, Code::file_io when
  // the file was truncated since it was opened. Thread-safe.
  void read_f32(std::int64_t first, std::span<float> out) const;
  // The same of a <u2 array, as it is; Code::dtype for others.
  void read_u16(std::int64_t first, std::span<std::uint16_t> out) const;

 private:
  struct State;
  void check_range(std::int64_t first, std::int64_t count) const;
  std::unique_ptr<State> state_;
};

// float32, C order, version 1.0, [shape]; through an AtomicFile (file.h). Throws Code::shape, Code::file_not_found,
// Code::file_io.
void write_npy(const std::string& path, const Shape& shape, std::span<const float> data);

}  // namespace gyrus::io
