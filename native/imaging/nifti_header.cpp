#include "imaging/nifti_header.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include "core/error.h"
#include "imaging/quaternion.h"

namespace gyrus::imaging {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::int64_t kMaxVoxels = std::int64_t{1} << 40;

// Where the two versions keep their fields, in bytes from the start.
struct Layout {
  std::int64_t header_bytes;
  std::size_t magic, dim, datatype, pixdim, voxel_offset, slope, inter, qform_code, sform_code, quaternion, srow;
  bool is_wide;  // 64-bit dimensions and reals
};
constexpr Layout kNifti1 = {348, 344, 40, 70, 76, 108, 112, 116, 252, 254, 256, 280, false};
constexpr Layout kNifti2 = {540, 4, 16, 12, 104, 168, 176, 184, 344, 348, 352, 400, true};

template <class T>
T byte_swapped(T value) {
  auto bytes = std::bit_cast<std::array<std::byte, sizeof(T)>>(value);
  std::reverse(bytes.begin(), bytes.end());
  return std::bit_cast<T>(bytes);
}

// Fields of a header whose layout and byte order are known.
class Fields {
 public:
  Fields(std::span<const std::byte> bytes, const Layout& layout, bool is_swapped)
      : bytes_(bytes), layout_(layout), is_swapped_(is_swapped) {}

  template <class T>
  T at(std::size_t offset) const {
    T value;
    std::memcpy(&value, bytes_.data() + offset, sizeof value);
    return is_swapped_ ? byte_swapped(value) : value;
  }
  // The index-th of the integers or reals that begin at `offset` and are wider in NIfTI-2.
  std::int64_t integer(std::size_t offset, std::size_t index) const {
    return layout_.is_wide ? at<std::int64_t>(offset + 8 * index) : at<std::int16_t>(offset + 2 * index);
  }
  double real(std::size_t offset, std::size_t index = 0) const {
    return layout_.is_wide ? at<double>(offset + 8 * index) : double{at<float>(offset + 4 * index)};
  }
  std::int64_t code(std::size_t offset) const {
    return layout_.is_wide ? at<std::int32_t>(offset) : at<std::int16_t>(offset);
  }
  std::string_view magic() const { return {reinterpret_cast<const char*>(bytes_.data()) + layout_.magic, 4}; }
  const Layout& layout() const { return layout_; }

 private:
  std::span<const std::byte> bytes_;
  const Layout& layout_;
  bool is_swapped_;
};

Fields find_layout(std::span<const std::byte> bytes, bool& is_swapped, std::string_view label) {
  GYRUS_CHECK(bytes.size() >= sizeof(std::int32_t), Code::file_format, label, " has only ", bytes.size(),
              " bytes: it is no NIfTI file");
  std::int32_t size = 0;
  std::memcpy(&size, bytes.data(), sizeof size);
  for (const Layout* layout : {&kNifti1, &kNifti2}) {
    is_swapped = byte_swapped(size) == layout->header_bytes;
    if (!is_swapped && size != layout->header_bytes) continue;
    GYRUS_CHECK(bytes.size() >= static_cast<std::size_t>(layout->header_bytes), Code::file_format, label, " has only ",
                bytes.size(), " bytes; a header of ", layout->header_bytes, " was announced");
    return {bytes, *layout, is_swapped};
  }
  throw Error(Code::file_format,
              text(label, " is no NIfTI file: it begins with ", size,
                   ", NIfTI begins with 348 or 540; convert it (dcm2niix, nibabel) or leave it out"));
}

void read_kind(const Fields& fields, NiftiHeader& header, std::string_view label) {
  const bool is_wide = fields.layout().is_wide;
  header.version = is_wide ? 2 : 1;
  const std::string_view single = is_wide ? std::string_view("n+2\0", 4) : std::string_view("n+1\0", 4);
  const std::string_view pair = is_wide ? std::string_view("ni2\0", 4) : std::string_view("ni1\0", 4);
  header.is_pair = fields.magic() == pair;
  GYRUS_CHECK(header.is_pair || fields.magic() == single, Code::file_format, label,
              " has the size of a NIfTI header but not its magic word (Analyze 7.5 has none); convert it to .nii.gz");
}

void read_type(const Fields& fields, NiftiHeader& header, std::string_view label) {
  const auto code = fields.at<std::int16_t>(fields.layout().datatype);
  header.type = static_cast<NiftiType>(code);
  GYRUS_CHECK(bytes_of(header.type) > 0, Code::dtype, label, " has voxels of NIfTI datatype ", code,
              code == 128 || code == 2304 ? " (colour)" : "", ", which holds no numbers that gyrus reads");
}

void read_extents(const Fields& fields, NiftiHeader& header, std::string_view label) {
  const std::size_t dim = fields.layout().dim;
  const std::int64_t rank = fields.integer(dim, 0);
  GYRUS_CHECK(rank >= 1 && rank <= 7, Code::file_format, label, " says dim[0] = ", rank, "; 1 to 7 are possible");
  std::int64_t voxels = 1;
  for (std::size_t axis = 0; axis < 7; ++axis) {
    const std::int64_t extent = axis < static_cast<std::size_t>(rank) ? fields.integer(dim, axis + 1) : 1;
    GYRUS_CHECK(extent >= 1, Code::file_format, label, " says dim[", axis + 1, "] = ", extent,
                ": a volume without voxels");
    GYRUS_CHECK(extent <= kMaxVoxels / voxels, Code::file_format, label, " announces more than ", kMaxVoxels,
                " voxels: the header is damaged");
    voxels *= extent;
    axis < 3 ? static_cast<void>(header.extents[axis] = extent) : static_cast<void>(header.frames *= extent);
  }
}

void read_scaling(const Fields& fields, NiftiHeader& header, std::string_view label) {
  const double slope = fields.real(fields.layout().slope), inter = fields.real(fields.layout().inter);
  if (slope == 0 || !std::isfinite(slope)) return;  // the standard's way to say that voxels are stored unscaled
  GYRUS_CHECK(std::isfinite(inter), Code::file_format, label, " has scl_slope ", slope, " but scl_inter ", inter,
              ": correct the header");
  header.slope = slope;
  header.inter = inter;
}

void read_offset(const Fields& fields, NiftiHeader& header, std::string_view label) {
  const Layout& layout = fields.layout();
  // A pair's voxels usually begin at 0; in one file they follow the header and four bytes that tell of extensions.
  const std::int64_t least = header.is_pair ? 0 : layout.header_bytes + 4;
  const double offset = layout.is_wide ? static_cast<double>(fields.at<std::int64_t>(layout.voxel_offset))
                                       : fields.real(layout.voxel_offset);
  const bool is_possible = offset == 0 || (offset >= static_cast<double>(least) && offset < 0x1p53);
  GYRUS_CHECK(is_possible && std::floor(offset) == offset, Code::file_format, label, " says vox_offset = ", offset,
              "; its voxels can begin at ", least, " at the earliest");
  header.voxel_offset = std::max(least, static_cast<std::int64_t>(offset));
}

// A voxel's edges as the standard's tools read them.
std::array<double, 3> voxel_sizes(const Fields& fields) {
  std::array<double, 3> sizes;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const double size = std::abs(fields.real(fields.layout().pixdim, axis + 1));
    sizes[axis] = size == 0 ? 1 : size;
  }
  return sizes;
}

Affine affine_of_qform(const Fields& fields, std::string_view label) {
  const std::size_t at = fields.layout().quaternion;
  const bool is_wide = fields.layout().is_wide;
  const double precision = is_wide ? std::numeric_limits<double>::epsilon() : std::numeric_limits<float>::epsilon();
  const Quaternion unit =
      complete_quaternion({fields.real(at, 0), fields.real(at, 1), fields.real(at, 2)}, 3 * precision, label);
  std::array<double, 3> sizes = voxel_sizes(fields);
  if (fields.real(fields.layout().pixdim) == -1) sizes[2] = -sizes[2];  // qfac: a left-handed volume
  Affine affine = rotation_of(unit);
  for (std::size_t row = 0; row < 3; ++row) {
    for (std::size_t column = 0; column < 3; ++column) affine[row][column] *= sizes[column];
    affine[row][3] = fields.real(at, 3 + row);
  }
  return affine;
}

Affine affine_of_sizes(const Fields& fields, const Extents3& extents) {
  std::array<double, 3> sizes = voxel_sizes(fields);
  // The sizes along axes that the volume does not have say nothing.
  for (std::int64_t axis = fields.integer(fields.layout().dim, 0); axis < 3; ++axis) {
    sizes[static_cast<std::size_t>(axis)] = 1;
  }
  Affine affine{};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const double size = axis == 0 ? -sizes[0] : sizes[axis];
    affine[axis][axis] = size;
    affine[axis][3] = -size * static_cast<double>(extents[axis] - 1) / 2;
  }
  return affine;
}

void read_affine(const Fields& fields, NiftiHeader& header, std::string_view label) {
  const Layout& layout = fields.layout();
  if (fields.code(layout.sform_code) > 0) {
    for (std::size_t row = 0; row < 3; ++row) {
      for (std::size_t column = 0; column < 4; ++column) {
        header.affine[row][column] = fields.real(layout.srow, 4 * row + column);
      }
    }
  } else {
    header.affine =
        fields.code(layout.qform_code) > 0 ? affine_of_qform(fields, label) : affine_of_sizes(fields, header.extents);
  }
}

}  // namespace

std::int64_t bytes_of(NiftiType type) {
  switch (type) {
    case NiftiType::u8:
    case NiftiType::i8:
      return 1;
    case NiftiType::i16:
    case NiftiType::u16:
      return 2;
    case NiftiType::i32:
    case NiftiType::u32:
    case NiftiType::f32:
      return 4;
    case NiftiType::i64:
    case NiftiType::u64:
    case NiftiType::f64:
    case NiftiType::complex64:
      return 8;
    case NiftiType::f128:
    case NiftiType::complex128:
      return 16;
    case NiftiType::complex256:
      return 32;
  }
  return 0;  // a code that is none of these
}

NiftiHeader parse_nifti_header(std::span<const std::byte> bytes, std::string_view label) {
  NiftiHeader header;
  const Fields fields = find_layout(bytes, header.is_swapped, label);
  read_kind(fields, header, label);
  read_type(fields, header, label);
  read_extents(fields, header, label);
  read_scaling(fields, header, label);
  read_offset(fields, header, label);
  read_affine(fields, header, label);
  return header;
}

}  // namespace gyrus::imaging
