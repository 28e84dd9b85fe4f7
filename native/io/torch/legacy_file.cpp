#include "io/torch/legacy_file.h"

#include <algorithm>
#include <array>

#include "io/utf8.h"

namespace gyrus::io::torch {
namespace {

// The first pickle: protocol 2, the number 0x1950a86a20f9469cfc6c in ten bytes, the end.
constexpr std::array<unsigned char, 15> kMagic{0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46,
                                               0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e};
constexpr std::int64_t kVersion = 1001;
constexpr std::string_view kDamaged = "the file is damaged: fetch it again";

std::int64_t window_of(const InputFile& file) { return std::min(file.size(), static_cast<std::int64_t>(kMaxPickle)); }

// The element type of every storage that the object names, sorted by key. Without one it cannot be skipped.
std::vector<std::pair<std::string_view, std::optional<StoredType>>> types_of(const Pickle& pickle) {
  std::vector<std::pair<std::string_view, std::optional<StoredType>>> types;
  types.reserve(pickle.storages.size());
  for (const Storage& storage : pickle.storages) types.emplace_back(storage.key, storage.type);
  std::sort(types.begin(), types.end());
  return types;
}

}  // namespace

bool is_legacy_file(const InputFile& file) {
  std::array<unsigned char, kMagic.size()> first{};
  if (file.size() < static_cast<std::int64_t>(first.size())) return false;
  file.read_at(0, std::as_writable_bytes(std::span(first)));
  return first == kMagic;
}

LegacyFile::LegacyFile(const InputFile& file) : bytes_(window_of(file)) {
  std::span<std::byte> rest(bytes_.as<std::byte>(), static_cast<std::size_t>(window_of(file)));
  file.read_at(0, rest);
  rest = rest.subspan(kMagic.size());
  std::int64_t begin = kMagic.size();
  const auto next = [&] {
    Pickle pickle = read_pickle(rest, file.label());
    rest = rest.subspan(pickle.used);
    begin += static_cast<std::int64_t>(pickle.used);
    return pickle;
  };
  const Pickle version = next();
  const Value& number = version.at(version.top);
  GYRUS_CHECK(number.kind == Kind::integer && number.integer == kVersion, Code::file_format, file.label(),
              ": is of another version of PyTorch's old format than ", kVersion,
              "; load it in PyTorch and save it again with torch.save");
  next();  // facts of the machine: the sizes of its integers, which no longer differ
  pickle_ = next();
  const Pickle keys = next();
  place_storages(file, keys, begin);
}

void LegacyFile::place_storages(const InputFile& file, const Pickle& keys, std::int64_t begin) {
  const auto types = types_of(pickle_);
  for (const ValueId id : keys.items_of(keys.at(keys.top))) {
    const Value& value = keys.at(id);
    const std::string_view key = value.kind == Kind::text ? keys.text_of(value) : std::string_view();
    const auto type = std::lower_bound(types.begin(), types.end(), std::pair(key, std::optional<StoredType>()));
    GYRUS_CHECK(type != types.end() && type->first == key && type->second, Code::file_format, file.label(),
                ": the storage ", quoted(key),
                " is of an element type that is not read; load the file in PyTorch and save "
                "its state dict again with torch.save");
    std::int64_t elements = 0, bytes = 0;
    GYRUS_CHECK(file.size() - begin >= 8, Code::file_format, file.label(), ": ends before the storage ", quoted(key),
                "; ", kDamaged);
    file.read_at(begin, std::as_writable_bytes(std::span(&elements, 1)));
    begin += 8;
    GYRUS_CHECK(elements >= 0 && !__builtin_mul_overflow(elements, size_of(*type->second), &bytes) &&
                    bytes <= file.size() - begin,
                Code::file_format, file.label(), ": the storage ", quoted(key), " is said to have ", elements,
                " elements, the file has ", file.size() - begin, " more bytes; ", kDamaged);
    places_.push_back({key, begin, bytes});
    begin += bytes;
  }
  std::sort(places_.begin(), places_.end(), [](const Place& a, const Place& b) { return a.key < b.key; });
}

std::optional<LegacyFile::Place> LegacyFile::find(std::string_view key) const {
  const auto found = std::lower_bound(places_.begin(), places_.end(), key,
                                      [](const Place& place, std::string_view wanted) { return place.key < wanted; });
  return found != places_.end() && found->key == key ? std::optional(*found) : std::nullopt;
}

}  // namespace gyrus::io::torch
