// Reading rows of a dataset: straight into place where the file's form allows, else run by run.
#include <algorithm>
#include <cstring>

#include "core/error.h"
#include "io/hdf5/convert.h"
#include "io/hdf5/text_value.h"
#include "io/hdf5_state.h"

namespace gyrus::io {

using hdf5::StoredArray;

namespace {

constexpr std::uint64_t kMaxTextBytes = 64U << 20U;  // an ISMRMRD header has some 20 KB

void check_rows(const StoredArray& array, std::int64_t first, std::int64_t count) {
  GYRUS_CHECK(first >= 0 && count >= 0 && first <= array.rows() && count <= array.rows() - first,
              Code::invalid_argument, "cannot read rows ", first, " to ", first, "+", count, " of the array ",
              array.shape(), ", which has ", array.rows(), "; ask for fewer");
}

// Elements of these rows; `held` is what the caller's memory takes of them.
void check_room(const StoredArray& array, std::int64_t count, std::uint64_t held, std::uint64_t unit) {
  const std::uint64_t elements = static_cast<std::uint64_t>(count * array.row_elements());
  std::uint64_t wanted = 0;
  GYRUS_CHECK(!__builtin_mul_overflow(elements, unit, &wanted) && wanted == held, Code::shape, count,
              " rows of the array ", array.shape(), " of ", array.type().name, " have ", elements,
              " elements, memory was given for ", held / unit, "; give as much as they need");
}

// Code::shape unless it has one element.
void check_single(const Shape& shape) {
  GYRUS_CHECK(shape.elements() == 1, Code::shape, "holds an array ", shape, ", a single value was expected");
}

}  // namespace

const Shape& Hdf5Dataset::shape() const { return state_->array.shape(); }

const hdf5::ElementType& Hdf5Dataset::type() const { return state_->array.type(); }

const std::string& Hdf5Dataset::where() const { return state_->where; }

bool Hdf5Dataset::is_whole() const { return state_->array.is_whole(); }

std::int64_t Hdf5Dataset::rows() const { return state_->array.rows(); }

std::int64_t Hdf5Dataset::chunk_bytes() const {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 60;  // so that multiples of it are numbers still
  return static_cast<std::int64_t>(std::min(state_->array.chunk_bytes(), kMost));
}

std::int64_t Hdf5Dataset::row_elements() const { return state_->array.row_elements(); }

void Hdf5Dataset::read_bytes(std::int64_t first, std::int64_t count, std::span<std::byte> out) const {
  hdf5::located(where(), [&] {
    const StoredArray& array = state_->array;
    const std::size_t width = static_cast<std::size_t>(array.type().bytes);
    check_rows(array, first, count);
    check_room(array, count, out.size(), width);
    if (out.empty()) return;
    if (array.is_contiguous()) return array.read_contiguous(first * array.row_elements(), out);
    if (!array.is_whole()) {
      const std::span<const std::byte> fill = array.fill();
      if (fill.empty()) std::fill(out.begin(), out.end(), std::byte{0});
      for (std::size_t at = 0; !fill.empty() && at < out.size(); at += width) {
        std::memcpy(out.data() + at, fill.data(), width);
      }
    }
    array.visit({first, count}, [out, width](std::int64_t element, std::span<const std::byte> raw) {
      std::memcpy(out.subspan(static_cast<std::size_t>(element) * width, raw.size()).data(), raw.data(), raw.size());
    });
  });
}

void Hdf5Dataset::read_f32(std::int64_t first, std::int64_t count, std::span<float> out) const {
  hdf5::located(where(), [&] {
    const StoredArray& array = state_->array;
    const hdf5::ElementType& type = array.type();
    GYRUS_CHECK(type.is_number(), Code::dtype, "holds ", type.name, ", numbers were expected");
    const std::size_t parts = static_cast<std::size_t>(type.parts());
    check_rows(array, first, count);
    check_room(array, count, out.size(), parts);
    if (out.empty()) return;
    if (array.is_contiguous() && type.stored == StoredType::f32 && !type.is_big_endian) {
      return array.read_contiguous(first * array.row_elements(), std::as_writable_bytes(out));
    }
    if (!array.is_whole()) {
      float fill[2] = {0, 0};
      if (!array.fill().empty()) hdf5::convert_numbers(type, array.fill(), std::span(fill).first(parts));
      for (std::size_t at = 0; at < out.size(); ++at) out[at] = fill[at % parts];
    }
    const std::size_t width = static_cast<std::size_t>(type.bytes);
    array.visit({first, count}, [&type, out, parts, width](std::int64_t element, std::span<const std::byte> raw) {
      const std::size_t at = static_cast<std::size_t>(element) * parts;
      hdf5::convert_numbers(type, raw, out.subspan(at, raw.size() / width * parts));
    });
  });
}

std::string Hdf5Dataset::read_text() const {
  return hdf5::located(where(), [&] {
    const hdf5::ElementType& type = state_->array.type();
    const bool is_text = type.kind == hdf5::ElementKind::text || type.kind == hdf5::ElementKind::variable_text;
    GYRUS_CHECK(is_text, Code::dtype, "holds ", type.name, ", text was expected");
    check_single(shape());
    if (!is_whole()) return std::string();
    GYRUS_CHECK(type.bytes <= kMaxTextBytes, Code::file_format, "holds a text of ", type.bytes, " bytes, at most ",
                kMaxTextBytes, " were expected; the file is damaged");
    std::string found;
    std::vector<std::byte> element(static_cast<std::size_t>(type.bytes));
    state_->array.visit({0, 1}, [&element](std::int64_t, std::span<const std::byte> raw) {
      std::copy(raw.begin(), raw.end(), element.begin());
    });
    return hdf5::text_of(state_->array.image(), type, element);
  });
}

}  // namespace gyrus::io
