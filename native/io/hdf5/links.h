// The links of a group: by symbol table (v1 B-tree, local heap, symbol table nodes) or as compact link messages.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "io/hdf5/object_header.h"

namespace gyrus::io::hdf5 {

enum class LinkKind : std::uint8_t { hard, soft, external };

struct Link {
  std::string name;
  LinkKind kind;
  std::uint64_t address;  // of the object header; of a hard link only
};

// A group has a symbol table or the message that says how its links are kept.
bool is_group(const ObjectHeader& header);

// In the file's order. Code::file_format for damage and for dense link storage (fractal heap), which is not supported.
std::vector<Link> links_of(const Image& image, const ObjectHeader& group);

}  // namespace gyrus::io::hdf5
