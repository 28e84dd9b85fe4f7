// Reading .npy: magic, header, exact size; then elements on demand.
#include <algorithm>
#include <array>
#include <optional>

#include "core/aligned_buffer.h"
#include "io/file.h"
#include "io/npy.h"
#include "io/npy_header.h"
#include "io/stored_type.h"
#include "io/utf8.h"

namespace gyrus::io {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::int64_t kMagicBytes = 8;              // the magic and the version's two bytes
constexpr std::int64_t kMaxHeaderBytes = 64 * 1024;  // five axes need some 130 bytes
constexpr std::string_view kConvert = "save numpy.ascontiguousarray(array, dtype='<f4')";

// Where the header lies.
struct HeaderPlace {
  std::int64_t offset, bytes;
};

HeaderPlace find_header(const InputFile& file) {
  std::array<char, kMagicBytes + 4> start{};
  const std::size_t count = static_cast<std::size_t>(std::min<std::int64_t>(file.size(), start.size()));
  file.read_at(0, std::as_writable_bytes(std::span(start)).first(count));
  GYRUS_CHECK(
      std::string_view(start.data(), count).starts_with(kMagic), Code::file_format, file.label(),
      ": does not begin with \\x93NUMPY, a .npy file was expected; save the array with numpy.save (an .npz file "
      "holds several: save one)");
  const auto byte = [&start](std::size_t at) { return static_cast<std::uint8_t>(start[at]); };
  const std::uint32_t major = byte(6), minor = byte(7);
  GYRUS_CHECK(static_cast<std::int64_t>(count) == kMagicBytes + 4, Code::file_format, file.label(), ": has ", count,
              " bytes, a .npy header is longer; the file is truncated: fetch or copy it again");
  GYRUS_CHECK(major >= 1 && major <= 3 && minor == 0, Code::file_format, file.label(), ": is of version ", major, ".",
              minor, ", 1.0, 2.0 or 3.0 was expected; save it with numpy.save");
  // The length is 16 bits wide in version 1.0, 32 bits later.
  const std::int64_t low = byte(8) | byte(9) << 8, high = byte(10) | byte(11) << 8;
  const HeaderPlace place{kMagicBytes + (major == 1 ? 2 : 4), major == 1 ? low : low + high * 65536};
  GYRUS_CHECK(place.bytes <= kMaxHeaderBytes, Code::file_format, file.label(), ": claims a header of ", place.bytes,
              " bytes, at most ", kMaxHeaderBytes, " were expected; save it as a plain array with numpy.save");
  GYRUS_CHECK(place.bytes <= file.size() - place.offset, Code::file_format, file.label(), ": claims a header of ",
              place.bytes, " bytes, the file has ", file.size() - place.offset,
              " bytes left; the file is truncated: fetch or copy it again");
  return place;
}

StoredType type_of_descr(std::string_view descr, const std::string& file) {
  struct Known {
    std::string_view descr;
    StoredType type;
  };
  constexpr std::array<Known, 6> kKnown{{{"<f4", StoredType::f32},
                                         {"<f8", StoredType::f64},
                                         {"<f2", StoredType::f16},
                                         {"<u2", StoredType::u16},
                                         {"|u1", StoredType::u8},
                                         {"<i2", StoredType::i16}}};
  for (const Known& known : kKnown) {
    if (known.descr == descr) return known.type;
  }
  const std::string_view kind = descr.find('O') != std::string_view::npos ? " (Python objects)"
                                : descr.starts_with('>')                  ? " (big-endian)"
                                                                          : "";
  throw Error(Code::dtype, text(file, ": has the element type ", quoted(descr), kind,
                                ", expected <f4, <f8, <f2, <u2, |u1 or <i2; ", kConvert));
}

}  // namespace

struct NpyReader::State {
  explicit State(InputFile input) : file(std::move(input)) {
    const HeaderPlace place = find_header(file);
    const AlignedBuffer bytes(place.bytes);
    file.read_at(place.offset, {bytes.as<std::byte>(), static_cast<std::size_t>(place.bytes)});
    header = parse_npy_header({bytes.as<char>(), static_cast<std::size_t>(place.bytes)}, file.label());
    type = type_of_descr(header.descr, file.label());
    GYRUS_CHECK(!header.is_fortran_order, Code::file_format, file.label(), ": the array ", header.shape,
                " is in Fortran order, C order was expected; ", kConvert);
    data_begin = place.offset + place.bytes;
    std::int64_t wanted = size_of(type);
    for (const std::int64_t extent : header.shape.extents()) {
      GYRUS_CHECK(!__builtin_mul_overflow(wanted, extent, &wanted), Code::file_format, file.label(), ": the array ",
                  header.shape,
                  " has 2^63 bytes or more, expected a size that the file can hold; save it with numpy.save");
    }
    const std::int64_t held = file.size() - data_begin;
    GYRUS_CHECK(held == wanted, Code::file_format, file.label(), ": the array ", header.shape, " of type ",
                header.descr, " needs ", wanted, " bytes, the file holds ", held, "; ",
                held < wanted ? "it is truncated: fetch or copy it again"
                              : "it has bytes behind the array: save it by itself with numpy.save");
  }

  InputFile file;
  NpyHeader header;
  StoredType type{};
  std::int64_t data_begin = 0;
};

NpyReader::NpyReader(const std::string& path) : state_(std::make_unique<State>(InputFile(path))) {}

NpyReader::NpyReader(std::span<const std::byte> bytes, std::string label)
    : state_(std::make_unique<State>(InputFile(bytes, std::move(label)))) {}

NpyReader::~NpyReader() = default;

const std::string& NpyReader::file() const { return state_->file.label(); }

const Shape& NpyReader::shape() const { return state_->header.shape; }

std::string_view NpyReader::dtype() const { return state_->header.descr; }

void NpyReader::read_f32(std::int64_t first, std::span<float> out) const {
  check_range(first, static_cast<std::int64_t>(out.size()));
  read_as_f32(state_->file, state_->type, state_->data_begin + first * size_of(state_->type), out);
}

void NpyReader::read_u16(std::int64_t first, std::span<std::uint16_t> out) const {
  GYRUS_CHECK(state_->type == StoredType::u16, Code::dtype, file(), ": has the element type ", dtype(),
              ", <u2 was expected");
  check_range(first, static_cast<std::int64_t>(out.size()));
  state_->file.read_at(state_->data_begin + first * size_of(state_->type), std::as_writable_bytes(out));
}

void NpyReader::check_range(std::int64_t first, std::int64_t count) const {
  const std::int64_t total = shape().elements();
  GYRUS_CHECK(first >= 0 && first <= total && count <= total - first, Code::invalid_argument, file(),
              ": cannot read elements ", first, " to ", first, "+", count, " of the array ", shape(), ", which has ",
              total, "; ask for fewer");
}

}  // namespace gyrus::io
