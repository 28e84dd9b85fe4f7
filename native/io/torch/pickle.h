// What a pickle says, read without running any of it. Python's unpickler is a small stack machine whose programs may
// call any function; here the calls that PyTorch's state dicts need are understood (rebuilding tensors, ordered dicts),
// and whatever else is called gives an opaque value: nothing is looked up, imported or run.
// Format: the comments of Python's pickletools; PyTorch's part: science.md F3.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "io/stored_type.h"

namespace gyrus::io::torch {

enum class Kind : std::uint8_t { none, boolean, integer, text, global, sequence, dict, storage, tensor, opaque };

using ValueId = std::uint32_t;

// integer, boolean: `integer`. text, global: bytes of the pickle. sequence (tuple, list, set), dict (key, value, key,
// value ...): Pickle::items. storage, tensor: Pickle::storages, ::tensors. opaque: the text names what it was made by.
// Small, as a program of a few bytes makes one.
struct Value {
  Kind kind = Kind::none;
  std::uint32_t index = 0;  // into items, storages or tensors
  std::int64_t integer = 0;
  std::uint32_t begin = 0, size = 0;  // of the text
};

struct Storage {
  std::string_view key;            // of the bytes in the file
  std::optional<StoredType> type;  // none: an element type that is not read, such as complex numbers
  std::int64_t elements = 0;
};

struct PickledTensor {
  std::uint32_t storage = 0;       // into Pickle::storages
  std::int64_t offset = 0;         // elements from the storage's beginning
  ValueId sizes = 0, strides = 0;  // sequences of as many integers, at most kMaxAxes
};
constexpr std::size_t kMaxAxes = 64;  // PyTorch's own limit

struct Pickle {
  std::span<const std::byte> bytes;
  std::vector<Value> values;
  std::vector<std::vector<ValueId>> items;
  std::vector<Storage> storages;
  std::vector<PickledTensor> tensors;
  ValueId top = 0;       // what the program left
  std::size_t used = 0;  // bytes up to and with its STOP

  const Value& at(ValueId id) const { return values[id]; }
  std::span<const ValueId> items_of(const Value& value) const {
    const bool has_items = value.kind == Kind::sequence || value.kind == Kind::dict;
    return has_items ? std::span<const ValueId>(items[value.index]) : std::span<const ValueId>();
  }
  std::string_view text_of(const Value& value) const {
    return {reinterpret_cast<const char*>(bytes.data()) + value.begin, value.size};
  }
};

constexpr std::size_t kMaxPickle = std::size_t{64} << 20U;  // bytes; a state dict of a large network has a few 100 KiB

// Reads the pickle at the beginning of `bytes`, of protocols 2 to 5. Throws Code::file_format with `file` and the byte.
// Memory: a bounded multiple of the bytes read. The result refers to `bytes`.
Pickle read_pickle(std::span<const std::byte> bytes, std::string_view file);

}  // namespace gyrus::io::torch
