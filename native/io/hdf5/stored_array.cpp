#include "io/hdf5/stored_array.h"

#include <algorithm>
#include <utility>

#include "core/error.h"
#include "io/hdf5/dataspace.h"

namespace gyrus::io::hdf5 {
namespace {

constexpr std::uint64_t kBufferBytes = 256 * 1024;  // of contiguous data at a time: stays in the second-level cache

const Message& required(const ObjectHeader& header, MessageType type, std::string_view what) {
  const Message* const found = header.find(type);
  GYRUS_CHECK(found != nullptr, Code::file_format, "the dataset has no ", what, " message; the file is damaged");
  return *found;
}

std::span<const std::byte> fill_bytes(Cursor cursor) {
  const std::uint8_t version = cursor.version(1, 3);
  bool is_given = true;
  if (version == 3) {
    is_given = (cursor.u8() & 0x20U) != 0;
  } else {
    cursor.skip(2);  // when space is allocated, when fill values are written
    const bool is_defined = cursor.u8() != 0;
    is_given = version == 1 || is_defined;
  }
  return is_given ? cursor.take(cursor.u32()) : std::span<const std::byte>();
}

}  // namespace

StoredArray::StoredArray(std::shared_ptr<const Image> image, const ObjectHeader& header) : image_(std::move(image)) {
  const Widths widths = image_->widths();
  Cursor space_cursor(required(header, MessageType::dataspace, "dataspace").bytes, "a dataspace", widths);
  const Dataspace space = parse_dataspace(space_cursor);
  shape_ = space.shape;
  Cursor type_cursor(required(header, MessageType::datatype, "datatype").bytes, "a datatype", widths);
  type_ = parse_datatype(type_cursor);
  GYRUS_CHECK(header.find(MessageType::external_files) == nullptr, Code::file_format,
              "its data lie in other files (external storage), which are never opened; rewrite it into this file");
  read_fill(header);
  read_layout(header, space.max_extents);
}

void StoredArray::read_fill(const ObjectHeader& header) {
  std::span<const std::byte> found;
  if (const Message* const message = header.find(MessageType::fill_value)) {
    found = fill_bytes(Cursor(message->bytes, "a fill value", image_->widths()));
  } else if (const Message* const old = header.find(MessageType::old_fill_value)) {
    Cursor cursor(old->bytes, "a fill value", image_->widths());
    found = cursor.take(cursor.u32());
  }
  GYRUS_CHECK(found.empty() || found.size() == type_.bytes, Code::file_format, "the fill value has ", found.size(),
              " bytes, an element has ", type_.bytes, "; the file is damaged");
  fill_.assign(found.begin(), found.end());
}

void StoredArray::read_layout(const ObjectHeader& header, std::span<const std::uint64_t> max_extents) {
  layout_ =
      parse_layout(Cursor(required(header, MessageType::layout, "layout").bytes, "a data layout", image_->widths()));
  std::uint64_t bytes = 0;
  GYRUS_CHECK(
      !__builtin_mul_overflow(static_cast<std::uint64_t>(shape_.elements()), type_.bytes, &bytes) && bytes <= INT64_MAX,
      Code::file_format, "the array ", shape_, " has 2^63 bytes or more; the file is damaged");
  switch (layout_.layout_class) {
    case LayoutClass::compact:
      GYRUS_CHECK(layout_.data.size() >= bytes, Code::file_format, "the array ", shape_, " of ", type_.name, " needs ",
                  bytes, " bytes, its compact data have ", layout_.data.size(), "; the file is damaged");
      return;
    case LayoutClass::contiguous:
      if (layout_.address == kNoAddress) return;
      GYRUS_CHECK(layout_.bytes >= bytes, Code::file_format, "the array ", shape_, " of ", type_.name, " needs ", bytes,
                  " bytes, ", layout_.bytes, " are stored; the file is damaged");
      return image_->require(layout_.address, bytes, "the data of the array");
    case LayoutClass::chunked:
      return open_chunks(header, max_extents);
  }
}

void StoredArray::open_chunks(const ObjectHeader& header, std::span<const std::uint64_t> max_extents) {
  const std::size_t rank = static_cast<std::size_t>(shape_.rank());
  GYRUS_CHECK(rank > 0 && layout_.chunk.size() == rank + 1 && layout_.chunk.back() == type_.bytes, Code::file_format,
              "the chunks have ", layout_.chunk.size(), " extents, ", rank + 1, " were expected, the last of them ",
              type_.bytes, " for the bytes of an element; the file is damaged");
  if (const Message* const message = header.find(MessageType::filters)) {
    filters_ = FilterPipeline(Cursor(message->bytes, "a filter pipeline", image_->widths()));
  }
  chunk_bytes_ = 1;
  for (const std::uint64_t extent : layout_.chunk) chunk_bytes_ *= extent;  // parse_layout has seen that it fits
  grid_ = ChunkGrid(shape_, std::span(layout_.chunk).first(rank));
  index_ = ChunkIndex({*image_, layout_, filters_, grid_, chunk_bytes_, max_extents});
}

bool StoredArray::is_whole() const {
  if (shape_.elements() == 0) return true;
  switch (layout_.layout_class) {
    case LayoutClass::compact:
      return true;
    case LayoutClass::contiguous:
      return layout_.address != kNoAddress;
    case LayoutClass::chunked:
      return index_.is_whole();
  }
  return false;
}

std::int64_t StoredArray::row_elements() const {
  std::int64_t elements = 1;
  for (int axis = 1; axis < shape_.rank(); ++axis) {
    if (shape_[axis] == 0) return 0;
    // The parser has seen that the non-zero extents' product fits.
    elements *= shape_[axis];
  }
  return elements;
}

void StoredArray::read_contiguous(std::int64_t first_element, std::span<std::byte> out) const {
  GYRUS_ASSERT(is_contiguous() && first_element >= 0);
  image_->read_into(layout_.address + static_cast<std::uint64_t>(first_element) * type_.bytes, out,
                    "the data of the array");
}

void StoredArray::visit(Slab slab, const Sink& sink) const {
  GYRUS_ASSERT(slab.first >= 0 && slab.count >= 0 && slab.first <= rows() && slab.count <= rows() - slab.first);
  const std::int64_t elements = slab.count * row_elements();
  if (elements == 0 || (layout_.layout_class != LayoutClass::compact && layout_.address == kNoAddress)) return;
  switch (layout_.layout_class) {
    case LayoutClass::compact: {
      const std::uint64_t from = static_cast<std::uint64_t>(slab.first * row_elements()) * type_.bytes;
      const std::uint64_t bytes = static_cast<std::uint64_t>(elements) * type_.bytes;
      return sink(0, std::span(layout_.data).subspan(static_cast<std::size_t>(from), static_cast<std::size_t>(bytes)));
    }
    case LayoutClass::contiguous:
      return visit_contiguous(slab, sink);
    case LayoutClass::chunked:
      return visit_chunks(slab, sink);
  }
}

void StoredArray::visit_contiguous(Slab slab, const Sink& sink) const {
  const std::int64_t elements = slab.count * row_elements(), from = slab.first * row_elements();
  const std::int64_t at_once =
      std::min(elements, static_cast<std::int64_t>(std::max<std::uint64_t>(1, kBufferBytes / type_.bytes)));
  std::vector<std::byte> buffer(static_cast<std::size_t>(at_once) * static_cast<std::size_t>(type_.bytes));
  for (std::int64_t done = 0; done < elements; done += at_once) {
    const std::size_t now = static_cast<std::size_t>(std::min(at_once, elements - done));
    const std::span<std::byte> raw = std::span(buffer).first(now * static_cast<std::size_t>(type_.bytes));
    read_contiguous(from + done, raw);
    sink(done, raw);
  }
}

void StoredArray::visit_chunks(Slab slab, const Sink& sink) const {
  const std::uint64_t thick = grid_.chunk(0), layer = grid_.layer();
  const std::uint64_t begin = static_cast<std::uint64_t>(slab.first) / thick * layer;
  const std::uint64_t end = (static_cast<std::uint64_t>(slab.first + slab.count - 1) / thick + 1) * layer;
  ChunkDecoder decoder(filters_, chunk_bytes_);
  for (std::uint64_t number = begin; number < end; ++number) {
    const std::optional<ChunkEntry> entry = index_.find(number);
    if (!entry) continue;
    image_->read_into(entry->address, decoder.stored(entry->bytes), "a chunk");
    visit_chunk(slab, number, decoder.decode(entry->mask), sink);
  }
}

void StoredArray::visit_chunk(Slab slab, std::uint64_t number, std::span<const std::byte> raw, const Sink& sink) const {
  const std::size_t rank = grid_.rank();
  const std::vector<std::uint64_t> place = grid_.place_of(number);
  // Along each axis, in elements of the array: where chunk and slab meet.
  std::vector<std::uint64_t> begin(rank), end(rank), origin(rank);
  for (std::size_t axis = 0; axis < rank; ++axis) {
    origin[axis] = place[axis] * grid_.chunk(axis);
    const std::uint64_t chunk_left = grid_.extent(axis) - origin[axis];
    begin[axis] = origin[axis];
    end[axis] = origin[axis] + std::min(grid_.chunk(axis), chunk_left);
  }
  begin[0] = std::max(begin[0], static_cast<std::uint64_t>(slab.first));
  end[0] = std::min(end[0], static_cast<std::uint64_t>(slab.first + slab.count));
  const std::size_t run_bytes = static_cast<std::size_t>((end[rank - 1] - begin[rank - 1]) * type_.bytes);
  std::vector<std::uint64_t> at = begin;
  while (true) {
    std::uint64_t from = 0, to = 0;
    for (std::size_t axis = 0; axis < rank; ++axis) {
      from = from * grid_.chunk(axis) + (at[axis] - origin[axis]);
      to = to * grid_.extent(axis) + (at[axis] - (axis == 0 ? static_cast<std::uint64_t>(slab.first) : 0));
    }
    sink(static_cast<std::int64_t>(to), raw.subspan(static_cast<std::size_t>(from * type_.bytes), run_bytes));
    // The next run: all axes but the last count up, the innermost fastest.
    std::size_t axis = rank - 1;
    while (axis > 0 && ++at[axis - 1] == end[axis - 1]) {
      at[axis - 1] = begin[axis - 1];
      --axis;
    }
    if (axis == 0) return;
  }
}

}  // namespace gyrus::io::hdf5
