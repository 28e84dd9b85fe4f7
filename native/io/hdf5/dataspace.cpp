#include "io/hdf5/dataspace.h"

#include "core/error.h"

namespace gyrus::io::hdf5 {
namespace {

constexpr std::uint8_t kNullSpace = 2;

}  // namespace

Dataspace parse_dataspace(Cursor& cursor) {
  const std::uint8_t version = cursor.version(1, 2);
  const std::size_t rank = cursor.u8();
  const std::uint8_t flags = cursor.u8();
  const std::uint8_t kind = cursor.u8();  // reserved in version 1
  if (version == 1) cursor.skip(4);
  if (version == 2 && kind == kNullSpace) return {Shape{0}, {0}};
  GYRUS_CHECK(rank <= Shape::kMaxRank, Code::shape, "the array has ", rank, " axes, at most ", Shape::kMaxRank,
              " can be read; store it with fewer");
  std::vector<std::int64_t> extents;
  Dataspace space;
  std::int64_t elements = 1;
  for (std::size_t axis = 0; axis < rank; ++axis) {
    const std::uint64_t extent = cursor.length();
    std::int64_t product = 0;
    GYRUS_CHECK(extent <= INT64_MAX && !__builtin_mul_overflow(elements, static_cast<std::int64_t>(extent), &product),
                Code::file_format, "the array claims 2^63 elements or more; the file is damaged");
    if (product != 0) elements = product;  // so that no partial product overflows either
    extents.push_back(static_cast<std::int64_t>(extent));
    space.max_extents.push_back(extent);
  }
  space.shape = Shape(extents);
  if ((flags & 1U) == 0) return space;
  for (std::size_t axis = 0; axis < rank; ++axis) {
    const std::uint64_t most = cursor.length();
    GYRUS_CHECK(most >= space.max_extents[axis], Code::file_format, "axis ", axis, " has the extent ",
                space.max_extents[axis], ", its greatest is ", most, "; the file is damaged");
    space.max_extents[axis] = most;
  }
  return space;
}

}  // namespace gyrus::io::hdf5
