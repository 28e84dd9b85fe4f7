// Writing .npy version 1.0: float32, C order, data at a multiple of 64 bytes as NumPy does.
#include <bit>

#include "io/file.h"
#include "io/npy.h"

namespace gyrus::io {
namespace {

constexpr std::size_t kAlignment = 64;  // bytes: where the data begins

static_assert(std::endian::native == std::endian::little, "<f4 is little-endian");

std::string npy_prefix(const Shape& shape) {
  std::string extents;
  for (const std::int64_t extent : shape.extents()) extents += text(extents.empty() ? "" : " ", extent, ",");
  if (shape.rank() > 1) extents.pop_back();  // only a tuple of one keeps its comma
  std::string dict = text("{'descr': '<f4', 'fortran_order': False, 'shape': (", extents, "), }");
  const std::string_view magic("\x93NUMPY\x01\x00", 8);
  const std::size_t length_bytes = 2;
  while ((magic.size() + length_bytes + dict.size() + 1) % kAlignment != 0) dict += ' ';
  dict += '\n';
  std::string prefix(magic);
  prefix += static_cast<char>(dict.size() & 0xFFU);
  prefix += static_cast<char>(dict.size() >> 8U);
  return prefix + dict;
}

}  // namespace

void write_npy(const std::string& path, const Shape& shape, std::span<const float> data) {
  GYRUS_CHECK(static_cast<std::int64_t>(data.size()) == shape.elements(), Code::shape, "the array ", shape,
              " to be saved as ", path, " has ", shape.elements(), " elements, its data has ", data.size(),
              "; give data of the same size");
  const std::string prefix = npy_prefix(shape);
  AtomicFile file(path);
  file.write(std::as_bytes(std::span(prefix)));
  file.write(std::as_bytes(data));
  file.commit();
}

}  // namespace gyrus::io
