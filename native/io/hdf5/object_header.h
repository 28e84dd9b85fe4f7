// An object header: the messages that describe a group or a dataset, gathered from all its blocks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "io/hdf5/image.h"

namespace gyrus::io::hdf5 {

enum class MessageType : std::uint16_t {
  dataspace = 0x01,
  link_info = 0x02,
  datatype = 0x03,
  old_fill_value = 0x04,
  fill_value = 0x05,
  link = 0x06,
  external_files = 0x07,
  layout = 0x08,
  filters = 0x0b,
  attribute = 0x0c,
  continuation = 0x10,
  symbol_table = 0x11,
  attribute_info = 0x15,
};

struct Message {
  std::uint16_t type;
  std::uint8_t flags;
  std::span<const std::byte> bytes;

  // What it says lies elsewhere in the file (a committed datatype, the table of shared messages).
  bool is_shared() const { return (flags & 2U) != 0; }
};

class ObjectHeader {
 public:
  // Versions 1 and 2, with continuation blocks; checksums are verified. Throws Code::file_format.
  ObjectHeader(const Image& image, std::uint64_t address);
  ObjectHeader(const ObjectHeader&) = delete;
  ObjectHeader& operator=(const ObjectHeader&) = delete;

  const std::vector<Message>& messages() const { return messages_; }
  // nullptr when there is none; Code::file_format when there are two, or when it is a shared one.
  const Message* find(MessageType type) const;

 private:
  struct Block {
    std::uint64_t address, bytes;
  };
  void read_version_1(Walk& walk, std::uint64_t address);
  void read_version_2(Walk& walk, std::uint64_t address);
  void follow(Walk& walk, bool is_version_2);
  void parse_block(Walk& walk, std::span<const std::byte> block, bool is_version_2);

  std::vector<std::vector<std::byte>> blocks_;  // what the messages point into
  std::vector<Message> messages_;
  std::vector<Block> continuations_;
  bool has_creation_order_ = false;
};

}  // namespace gyrus::io::hdf5
