// Which files a ZIP archive holds and where their bytes lie (APPNOTE.TXT 6.3.10), as PyTorch writes it: nothing is
// compressed. ZIP64 and data descriptors are understood.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "io/file.h"

namespace gyrus::io::torch {

struct ZipEntry {
  std::string name;
  std::int64_t offset = 0, bytes = 0;  // of its content in the archive
};

// Sorted by name. Throws Code::file_format, naming the entry, for an archive that is cut short, contradicts itself, has
// overlapping entries, or holds compressed or encrypted ones.
std::vector<ZipEntry> read_zip_directory(const InputFile& file);

// nullptr: not there. `entries` are sorted by name.
const ZipEntry* find_entry(const std::vector<ZipEntry>& entries, std::string_view name);

}  // namespace gyrus::io::torch
