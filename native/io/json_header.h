// The JSON header of a safetensors file, parsed: its grammar, with nothing yet checked against the file's bytes.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/shape.h"
#include "io/stored_type.h"

namespace gyrus::io {

struct HeaderEntry {
  std::string name;
  StoredType type{};
  Shape shape;
  std::int64_t begin = 0, end = 0;  // bytes, from the first byte after the header
};

struct Header {
  std::vector<HeaderEntry> entries;  // as in the file
  std::map<std::string, std::string> metadata;
};

// Throws Code::file_format: text that is not UTF-8 or not JSON, repeated, missing, unknown or empty names and keys,
// unknown types, ranks above Shape::kMaxRank, numbers outside [0, 2^63). `file` stands in messages.
Header parse_header(std::string_view json, std::string_view file);

}  // namespace gyrus::io
