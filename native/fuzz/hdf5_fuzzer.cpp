// libFuzzer's entry for the HDF5 reader. Corpus: fuzz/corpus/hdf5. Checksums would hide everything behind them from
// mutation, so the mutator puts them right again.
#include <algorithm>
#include <string_view>

#include "fuzz/scan_targets.h"
#include "io/hdf5/checksums.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace {

using Bytes = std::span<std::uint8_t>;

void put_checksum(Bytes bytes, std::size_t begin, std::size_t end) {
  if (begin > end || end + 4 > bytes.size()) return;
  const std::uint32_t sum = gyrus::io::hdf5::lookup3(std::as_bytes(bytes.subspan(begin, end - begin)));
  for (std::size_t i = 0; i < 4; ++i) bytes[end + i] = static_cast<std::uint8_t>(sum >> (8 * i));
}

std::uint64_t number_at(Bytes bytes, std::size_t at, std::size_t width) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < width && at + i < bytes.size(); ++i) value |= std::uint64_t{bytes[at + i]} << (8 * i);
  return value;
}

// Of an object header of version 2, whose length its flags and first field give; and of the blocks that its
// continuation messages name is not known here, so any OCHK reaches up to the next signature or the end.
void repair_header(Bytes bytes, std::size_t at) {
  if (at + 8 > bytes.size()) return;
  const unsigned flags = bytes[at + 5];
  const std::size_t fixed = 6 + ((flags & 0x20U) != 0 ? 16U : 0U) + ((flags & 0x10U) != 0 ? 4U : 0U);
  const std::size_t width = std::size_t{1} << (flags & 3U);
  const std::uint64_t content = number_at(bytes, at + fixed, width);
  if (content < bytes.size()) put_checksum(bytes, at, at + fixed + width + static_cast<std::size_t>(content));
}

void repair_continuation(Bytes bytes, std::size_t at) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  std::size_t end = text.size();
  for (const std::string_view next : {"OHDR", "OCHK", "FAHD", "FADB", "GCOL", "TREE"}) {
    end = std::min(end, text.find(next, at + 4));
  }
  if (end >= at + 8) put_checksum(bytes, at, end - 4);
}

void repair(Bytes bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.size() > 48 && bytes[8] >= 2) put_checksum(bytes, 0, 12 + 4 * std::size_t{bytes[9]});
  for (std::size_t at = 0; at + 8 < text.size(); ++at) {
    const std::string_view signature = text.substr(at, 4);
    if (signature == "OHDR") repair_header(bytes, at);
    if (signature == "OCHK") repair_continuation(bytes, at);
    if (signature == "FAHD") put_checksum(bytes, at, at + 24);
    // The block follows its header; a few entries are all that these small files have.
    if (signature == "FADB" && at > 28) {
      const std::uint64_t entry = bytes[at - 28 + 6], entries = number_at(bytes, at - 28 + 8, 8);
      if (entries < bytes.size()) put_checksum(bytes, at, at + 14 + static_cast<std::size_t>(entry * entries));
    }
  }
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  const std::size_t changed = LLVMFuzzerMutate(data, size, max_size);
  if (seed % 8 != 0) repair(Bytes(data, changed));
  return changed;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  gyrus::fuzz::run_hdf5(std::as_bytes(std::span(data, size)));
  return 0;
}
