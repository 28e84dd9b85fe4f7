#include "io/torch/pickle_builder.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/error.h"

namespace gyrus::io::torch {
namespace {

// What is known by name. Everything else is `unknown`, and calling it gives an opaque value. The rest of the list are
// storages: a StoredType each, or `other_storage` for the types (complex, quantised) of which no tensor is read.
enum class Known : std::uint8_t {
  unknown,
  ordered_dict,
  rebuild_tensor,
  rebuild_parameter,
  rebuild_from_type,
  size,
  other_storage,
  first_storage
};

struct KnownGlobal {
  std::string_view module, name;
  Known known;
};
constexpr std::array<KnownGlobal, 7> kCalls{
    {{"collections", "OrderedDict", Known::ordered_dict},
     {"torch._utils", "_rebuild_tensor_v2", Known::rebuild_tensor},
     {"torch._utils", "_rebuild_tensor", Known::rebuild_tensor},
     {"torch._utils", "_rebuild_parameter", Known::rebuild_parameter},
     {"torch._utils", "_rebuild_parameter_with_state", Known::rebuild_parameter},
     {"torch._tensor", "_rebuild_from_type_v2", Known::rebuild_from_type},
     {"torch", "Size", Known::size}}};

struct StorageClass {
  std::string_view name;
  StoredType type;
};
constexpr std::array<StorageClass, 11> kStorages{{{"FloatStorage", StoredType::f32},
                                                  {"DoubleStorage", StoredType::f64},
                                                  {"HalfStorage", StoredType::f16},
                                                  {"BFloat16Storage", StoredType::bf16},
                                                  {"LongStorage", StoredType::i64},
                                                  {"IntStorage", StoredType::i32},
                                                  {"ShortStorage", StoredType::i16},
                                                  {"CharStorage", StoredType::i8},
                                                  {"ByteStorage", StoredType::u8},
                                                  {"BoolStorage", StoredType::boolean},
                                                  {"UntypedStorage", StoredType::u8}}};

std::int64_t classify(std::string_view module, std::string_view name) {
  for (const KnownGlobal& row : kCalls) {
    if (row.module == module && row.name == name) return static_cast<std::int64_t>(row.known);
  }
  if ((module != "torch" && module != "torch.storage") || !name.ends_with("Storage")) return 0;
  for (const StorageClass& row : kStorages) {
    if (row.name == name) {
      return static_cast<std::int64_t>(Known::first_storage) + static_cast<std::int64_t>(row.type);
    }
  }
  return static_cast<std::int64_t>(Known::other_storage);
}

bool is(const Value& value, Known known) {
  return value.kind == Kind::global && value.integer == static_cast<std::int64_t>(known);
}

}  // namespace

PickleBuilder::PickleBuilder(std::span<const std::byte> bytes, std::string_view file) : file_(file) {
  pickle_.bytes = bytes;
  // What has no parts is there once: none(), boolean() give these places.
  pickle_.values = {{.kind = Kind::none}, {.kind = Kind::boolean, .integer = 0}, {.kind = Kind::boolean, .integer = 1}};
}

void PickleBuilder::fail(std::string_view what) const {
  throw Error(Code::file_format,
              gyrus::text(file_, ": its pickle ", what, " at byte ", position_, " of ", pickle_.bytes.size(),
                          "; the file is damaged, or its writer is faulty: "
                          "fetch it again, or save the state dict again with torch.save"));
}

ValueId PickleBuilder::add(const Value& value) {
  // Made by one byte of program each, containers would take fifty times the file: no honest pickle is of that kind.
  require(pickle_.values.size() < 1024 + pickle_.bytes.size() / 2, "makes more values than its size can justify");
  pickle_.values.push_back(value);
  return static_cast<ValueId>(pickle_.values.size() - 1);
}

ValueId PickleBuilder::integer(std::int64_t value) { return add({.kind = Kind::integer, .integer = value}); }

ValueId PickleBuilder::text(std::size_t begin, std::size_t size) {
  return add(
      {.kind = Kind::text, .begin = static_cast<std::uint32_t>(begin), .size = static_cast<std::uint32_t>(size)});
}

ValueId PickleBuilder::global(ValueId module, ValueId name) {
  Value value = pickle_.at(name);
  require(pickle_.at(module).kind == Kind::text && value.kind == Kind::text,
          "names a global by something that is no text");
  value.integer = classify(pickle_.text_of(pickle_.at(module)), pickle_.text_of(value));
  value.kind = Kind::global;
  return add(value);
}

ValueId PickleBuilder::sequence(std::vector<ValueId> items) {
  const ValueId id = add({.kind = Kind::sequence, .index = static_cast<std::uint32_t>(pickle_.items.size())});
  pickle_.items.push_back(std::move(items));
  return id;
}

ValueId PickleBuilder::dict(std::vector<ValueId> keys_and_values) {
  const ValueId id = add({.kind = Kind::dict, .index = static_cast<std::uint32_t>(pickle_.items.size())});
  pickle_.items.push_back(std::move(keys_and_values));
  return id;
}

ValueId PickleBuilder::opaque(ValueId maker) {
  Value value = pickle_.at(maker);
  value.kind = Kind::opaque;
  return add(value);
}

void PickleBuilder::append(ValueId list, std::span<const ValueId> items) {
  const Value& value = pickle_.at(list);
  if (value.kind != Kind::sequence) return;
  std::vector<ValueId>& all = pickle_.items[value.index];
  all.insert(all.end(), items.begin(), items.end());
}

void PickleBuilder::set_items(ValueId dict, std::span<const ValueId> keys_and_values) {
  require(keys_and_values.size() % 2 == 0, "puts a key without a value into a dict");
  const Value& value = pickle_.at(dict);
  if (value.kind != Kind::dict) return;
  std::vector<ValueId>& all = pickle_.items[value.index];
  all.insert(all.end(), keys_and_values.begin(), keys_and_values.end());
}

std::optional<std::int64_t> PickleBuilder::as_integer(ValueId id) const {
  const Value& value = pickle_.at(id);
  return value.kind == Kind::integer ? std::optional(value.integer) : std::nullopt;
}

bool PickleBuilder::are_integers(ValueId id) const {
  const std::span<const ValueId> items = items_of(id);
  return pickle_.at(id).kind == Kind::sequence && items.size() <= kMaxAxes &&
         std::all_of(items.begin(), items.end(), [&](ValueId item) { return as_integer(item).has_value(); });
}

// _rebuild_tensor_v2(storage, offset, size, stride, ...): whether these lie within the storage is checked by those who
// know the file.
ValueId PickleBuilder::rebuild_tensor(ValueId callable, std::span<const ValueId> arguments) {
  require(arguments.size() >= 4, "rebuilds a tensor of too few arguments");
  if (pickle_.at(arguments[0]).kind != Kind::storage) return opaque(callable);
  const auto offset = as_integer(arguments[1]);
  const ValueId sizes = arguments[2], strides = arguments[3];
  require(offset && are_integers(sizes) && are_integers(strides) && items_of(sizes).size() == items_of(strides).size(),
          "rebuilds a tensor whose offset, sizes or strides are no numbers, or not as many");
  const PickledTensor tensor{pickle_.at(arguments[0]).index, *offset, sizes, strides};
  const ValueId id = add({.kind = Kind::tensor, .index = static_cast<std::uint32_t>(pickle_.tensors.size())});
  pickle_.tensors.push_back(tensor);
  return id;
}

// OrderedDict(), or OrderedDict(list of pairs) as Python 2 wrote it.
ValueId PickleBuilder::ordered_dict(std::span<const ValueId> arguments) {
  std::vector<ValueId> keys_and_values;
  if (!arguments.empty()) {
    for (const ValueId pair : items_of(arguments[0])) {
      const std::span<const ValueId> parts = items_of(pair);
      require(parts.size() == 2, "makes a dict of something that is no list of pairs");
      keys_and_values.insert(keys_and_values.end(), parts.begin(), parts.end());
      copied_ += 2;
      require(copied_ <= pickle_.bytes.size(), "copies more items into dicts than its size can justify");
    }
  }
  return dict(std::move(keys_and_values));
}

ValueId PickleBuilder::call(ValueId callable, ValueId arguments) {
  const Value function = pickle_.at(callable);
  const std::vector<ValueId> values(items_of(arguments).begin(), items_of(arguments).end());
  if (is(function, Known::rebuild_tensor)) return rebuild_tensor(callable, values);
  if (is(function, Known::ordered_dict)) return ordered_dict(values);
  if (is(function, Known::size) && values.size() == 1) return values[0];
  if (is(function, Known::rebuild_parameter)) {
    require(!values.empty(), "rebuilds a parameter of nothing");
    return values[0];
  }
  if (is(function, Known::rebuild_from_type)) {  // (function, class, its arguments, state)
    require(values.size() >= 3, "rebuilds a tensor of too few arguments");
    // Once: a function that is itself of this kind is nothing that PyTorch writes.
    return is(pickle_.at(values[0]), Known::rebuild_from_type) ? opaque(callable) : call(values[0], values[2]);
  }
  return opaque(callable);
}

// ("storage", class, key, location, elements), in old files also a view of it.
ValueId PickleBuilder::persistent(ValueId id) {
  const std::span<const ValueId> parts = items_of(id);
  const bool is_storage = parts.size() >= 5 && pickle_.at(parts[0]).kind == Kind::text &&
                          pickle_.text_of(pickle_.at(parts[0])) == "storage";
  require(is_storage, "refers to something outside it that is no storage");
  const Value key = pickle_.at(parts[2]);  // a copy: adding a value moves the others
  const auto elements = as_integer(parts[4]);
  require(key.kind == Kind::text && elements && *elements >= 0, "has a storage without a key or a size");
  const Value storage_class = pickle_.at(parts[1]);
  const std::int64_t type = storage_class.integer - static_cast<std::int64_t>(Known::first_storage);
  require(is(storage_class, Known::other_storage) || (storage_class.kind == Kind::global && type >= 0),
          "has a storage of a class that is none");
  const bool is_view = parts.size() > 5 && pickle_.at(parts[5]).kind != Kind::none;
  require(!is_view, "has a view of a storage, as PyTorch wrote before 0.4,");
  const ValueId made = add({.kind = Kind::storage, .index = static_cast<std::uint32_t>(pickle_.storages.size())});
  pickle_.storages.push_back(
      {pickle_.text_of(key), type < 0 ? std::nullopt : std::optional(static_cast<StoredType>(type)), *elements});
  return made;
}

Pickle PickleBuilder::finish(ValueId top, std::size_t used) {
  pickle_.top = top;
  pickle_.used = used;
  return std::move(pickle_);
}

}  // namespace gyrus::io::torch
