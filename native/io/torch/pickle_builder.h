// The values that a pickle's program makes, and the few calls that are understood.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "io/torch/pickle.h"

namespace gyrus::io::torch {

class PickleBuilder {
 public:
  PickleBuilder(std::span<const std::byte> bytes, std::string_view file);

  // Where the program is: for messages.
  void set_position(std::size_t position) { position_ = position; }
  [[noreturn]] void fail(std::string_view what) const;
  void require(bool holds, std::string_view what) const {
    if (!holds) fail(what);
  }

  ValueId none() const { return 0; }
  ValueId boolean(bool value) const { return value ? 2 : 1; }
  ValueId integer(std::int64_t value);
  ValueId text(std::size_t begin, std::size_t size);
  ValueId global(ValueId module, ValueId name);  // both texts
  ValueId sequence(std::vector<ValueId> items);
  ValueId dict(std::vector<ValueId> keys_and_values);
  ValueId opaque(ValueId maker);

  // list.append, dict[key] = value: on what is neither a list nor a dict, nothing.
  void append(ValueId list, std::span<const ValueId> items);
  void set_items(ValueId dict, std::span<const ValueId> keys_and_values);
  // callable(*arguments)
  ValueId call(ValueId callable, ValueId arguments);
  // What a persistent id stands for: a storage.
  ValueId persistent(ValueId id);

  Pickle finish(ValueId top, std::size_t used);

 private:
  ValueId add(const Value& value);
  std::span<const ValueId> items_of(ValueId id) const { return pickle_.items_of(pickle_.at(id)); }
  std::optional<std::int64_t> as_integer(ValueId id) const;
  bool are_integers(ValueId id) const;
  ValueId rebuild_tensor(ValueId callable, std::span<const ValueId> arguments);
  ValueId ordered_dict(std::span<const ValueId> arguments);

  std::string_view file_;
  std::size_t position_ = 0;
  std::size_t copied_ = 0;  // items of dicts made of lists
  Pickle pickle_;
};

}  // namespace gyrus::io::torch
