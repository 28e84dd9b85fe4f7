#include "io/json_header.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "core/error.h"
#include "io/json_cursor.h"
#include "io/utf8.h"

namespace gyrus::io {
namespace {

constexpr std::string_view kMetadata = "__metadata__";

Shape parse_shape(JsonCursor& cursor) {
  std::array<std::int64_t, Shape::kMaxRank> extents{};
  std::size_t rank = 0;
  cursor.expect('[', "before a shape");
  if (!cursor.accept(']')) {
    do {
      const std::int64_t extent = cursor.integer("an extent of the shape");
      if (rank < extents.size()) extents[rank] = extent;
      ++rank;
    } while (cursor.accept(','));
    cursor.expect(']', "after a shape");
  }
  if (rank > extents.size()) cursor.fail(text("has ", rank, " axes, expected at most ", extents.size()));
  return Shape(std::span<const std::int64_t>(extents.data(), rank));
}

StoredType parse_type(JsonCursor& cursor) {
  const std::string name = cursor.string("an element type");
  const std::optional<StoredType> type = type_of_safetensors(name);
  if (!type) {
    cursor.fail(text("has the element type ", quoted(name),
                     ", expected F64, F32, F16, BF16, I64, I32, I16, I8, U64, U32, "
                     "U16, U8 or BOOL: convert it to F32 before saving"));
  }
  return *type;
}

std::pair<std::int64_t, std::int64_t> parse_offsets(JsonCursor& cursor) {
  cursor.expect('[', "before data_offsets");
  const std::int64_t begin = cursor.integer("the first data offset");
  cursor.expect(',', "between two data_offsets");
  const std::int64_t end = cursor.integer("the second data offset");
  cursor.expect(']', "after two data_offsets");
  return {begin, end};
}

HeaderEntry parse_entry(JsonCursor& cursor, std::string name) {
  HeaderEntry entry;
  bool has_type = false, has_shape = false, has_offsets = false;
  const auto once = [&cursor](bool& seen, std::string_view key) {
    if (std::exchange(seen, true)) cursor.fail(text("has the key ", quoted(key), " twice"));
  };
  cursor.set_tensor(name);
  cursor.members("around a tensor's dtype, shape and data_offsets", [&](const std::string& key) {
    if (key == "dtype") {
      once(has_type, key);
      entry.type = parse_type(cursor);
    } else if (key == "shape") {
      once(has_shape, key);
      entry.shape = parse_shape(cursor);
    } else if (key == "data_offsets") {
      once(has_offsets, key);
      std::tie(entry.begin, entry.end) = parse_offsets(cursor);
    } else {
      cursor.fail(text("has the key ", quoted(key), ", expected dtype, shape and data_offsets only"));
    }
  });
  if (!has_type || !has_shape || !has_offsets) {
    cursor.fail(text("lacks the key \"", !has_type ? "dtype" : !has_shape ? "shape" : "data_offsets", "\""));
  }
  cursor.set_tensor("");
  entry.name = std::move(name);
  return entry;
}

void parse_metadata(JsonCursor& cursor, std::map<std::string, std::string>& metadata) {
  cursor.members("around __metadata__", [&](std::string key) {
    std::string value = cursor.string("a value of __metadata__");
    const auto [at, is_new] = metadata.emplace(std::move(key), std::move(value));
    if (!is_new) cursor.fail(text("__metadata__ has the key ", quoted(at->first), " twice"));
  });
}

// Sorting, unlike hashing, takes no chosen names to be slow.
void refuse_repeated_names(const JsonCursor& cursor, std::span<const HeaderEntry> entries) {
  std::vector<std::string_view> names;
  names.reserve(entries.size());
  for (const HeaderEntry& entry : entries) names.push_back(entry.name);
  std::sort(names.begin(), names.end());
  const auto twin = std::adjacent_find(names.begin(), names.end());
  if (twin != names.end()) cursor.fail(text("the tensor ", quoted(*twin), " is there twice"));
}

}  // namespace

Header parse_header(std::string_view json, std::string_view file) {
  const std::size_t valid = valid_utf8_prefix(json);
  GYRUS_CHECK(valid == json.size(), Code::file_format, file, ": the header is not UTF-8 at its byte ", valid,
              "; the file is damaged or its writer is faulty: fetch it again or save it with the safetensors library");
  Header header;
  JsonCursor cursor(json, file);
  bool has_metadata = false;
  cursor.members("around the header", [&](std::string name) {
    if (name.empty()) cursor.fail("a tensor's name is empty");
    if (name != kMetadata) {
      header.entries.push_back(parse_entry(cursor, std::move(name)));
      return;
    }
    if (std::exchange(has_metadata, true)) cursor.fail("__metadata__ is there twice");
    parse_metadata(cursor, header.metadata);
  });
  cursor.expect_end();
  refuse_repeated_names(cursor, header.entries);
  return header;
}

}  // namespace gyrus::io
