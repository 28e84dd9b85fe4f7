#include "io/torch_reader.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <optional>

#include "core/aligned_buffer.h"
#include "io/torch/legacy_file.h"
#include "io/torch/pickle.h"
#include "io/torch/state_dict.h"
#include "io/torch/zip_directory.h"
#include "io/utf8.h"

namespace gyrus::io {
namespace {

using torch::Pickle;
using torch::PickledTensor;
using torch::Storage;
using torch::ZipEntry;

constexpr std::string_view kPickle = "/data.pkl";
constexpr std::array<char, 4> kZipMagic{'P', 'K', '\x03', '\x04'};
constexpr std::array<char, 4> kEmptyZipMagic{'P', 'K', '\x05', '\x06'};

bool begins_with(const InputFile& file, std::span<const char> magic) {
  std::array<char, 16> first{};
  const std::span<char> bytes = std::span(first).first(magic.size());
  if (file.size() < static_cast<std::int64_t>(magic.size())) return false;
  file.read_at(0, std::as_writable_bytes(bytes));
  return std::equal(magic.begin(), magic.end(), bytes.begin());
}

// "<root>/data.pkl" without "data.pkl".
std::string find_root(const InputFile& file, const std::vector<ZipEntry>& entries) {
  const auto found =
      std::find_if(entries.begin(), entries.end(), [](const ZipEntry& entry) { return entry.name.ends_with(kPickle); });
  GYRUS_CHECK(found != entries.end(), Code::file_format, file.label(), ": is a zip archive of ", entries.size(),
              " files without data.pkl, which PyTorch writes; unpack it if weights are among them");
  std::string root = found->name.substr(0, found->name.size() - kPickle.size() + 1);
  GYRUS_CHECK(find_entry(entries, root + "constants.pkl") == nullptr, Code::file_format, file.label(),
              ": is a TorchScript archive, whose parameters belong to code; save them in PyTorch: "
              "torch.save(torch.jit.load(path).state_dict(), other)");
  return root;
}

std::string read_text(const InputFile& file, const ZipEntry& entry, std::int64_t limit) {
  std::string content(static_cast<std::size_t>(std::min(entry.bytes, limit)), '\0');
  file.read_at(entry.offset, std::as_writable_bytes(std::span(content)));
  return content;
}

void check_byte_order(const InputFile& file, const std::vector<ZipEntry>& entries, const std::string& root) {
  const ZipEntry* const entry = find_entry(entries, root + "byteorder");
  if (entry == nullptr) return;  // before PyTorch 2.1
  const std::string order = read_text(file, *entry, 16);
  GYRUS_CHECK(order == "little", Code::file_format, file.label(), ": its numbers are of the byte order ", quoted(order),
              ", little was expected; save it again on a little-endian machine");
}

// Where the bytes of a storage lie.
struct Place {
  std::int64_t offset = 0, bytes = 0;
};

// As the offset and the shape of one tensor, checked against its storage.
StoredTensor checked_tensor(const std::string& name, const Pickle& pickle, const PickledTensor& tensor,
                            const Place& place, const std::string& file) {
  const auto prefix = [&] { return text(file, ": the tensor ", quoted(name), " "); };
  constexpr std::string_view kFaulty = "the file is damaged or its writer is faulty: fetch it again";
  const Storage& storage = pickle.storages[tensor.storage];
  const std::span<const torch::ValueId> sizes = pickle.items_of(pickle.at(tensor.sizes)),
                                        strides = pickle.items_of(pickle.at(tensor.strides));
  GYRUS_CHECK(sizes.size() <= static_cast<std::size_t>(Shape::kMaxRank), Code::file_format, prefix(), "has ",
              sizes.size(), " axes, at most ", Shape::kMaxRank,
              " were expected; save the state dict of the encoder alone");
  StoredTensor stored{name, *storage.type, Shape{}, 0, size_of(*storage.type)};
  std::array<std::int64_t, Shape::kMaxRank> extents{};
  std::int64_t last = tensor.offset, dense = 1;  // of the last element; and the stride of a tensor without gaps
  bool fits = tensor.offset >= 0, is_dense = true, is_empty = false;
  for (std::size_t axis = sizes.size(); axis-- > 0;) {
    const std::int64_t extent = pickle.at(sizes[axis]).integer, stride = pickle.at(strides[axis]).integer;
    std::int64_t span = 0;
    fits = fits && extent >= 0 && stride >= 0;
    is_empty = is_empty || extent == 0;
    is_dense = is_dense && (extent <= 1 || stride == dense);
    fits = fits && (extent <= 1 || !__builtin_mul_overflow(extent - 1, stride, &span)) &&
           !__builtin_add_overflow(last, span, &last) && !__builtin_mul_overflow(dense, extent, &dense) &&
           !__builtin_mul_overflow(stored.bytes, extent, &stored.bytes);
    GYRUS_CHECK(fits, Code::file_format, prefix(), "has an offset, sizes or strides that are negative or beyond 2^63; ",
                kFaulty);
    extents.at(axis) = extent;
    stored.strides.insert(stored.strides.begin(), stride);
  }
  const std::int64_t held = std::min(storage.elements, place.bytes / size_of(*storage.type));
  GYRUS_CHECK(fits && (is_empty ? tensor.offset <= held : last < held), Code::file_format, prefix(), "of type ",
              safetensors_name(*storage.type), " reaches to element ", last, " of the storage ", quoted(storage.key),
              ", which has ", held, "; ", kFaulty);
  stored.shape = Shape(std::span<const std::int64_t>(extents.data(), sizes.size()));
  stored.offset = place.offset + tensor.offset * size_of(*storage.type);
  if (is_dense || is_empty) stored.strides.clear();
  return stored;
}

// All tensors of the state dict, by their places in the file.
template <class FindPlace>
std::vector<StoredTensor> locate(const Pickle& pickle, const std::string& file, FindPlace find_place) {
  std::vector<std::optional<Place>> places(pickle.storages.size());
  std::vector<StoredTensor> tensors;
  for (const torch::NamedPickledTensor& named : torch::state_dict_tensors(pickle, file)) {
    const PickledTensor& tensor = pickle.tensors[named.tensor];
    const Storage& storage = pickle.storages[tensor.storage];
    if (!storage.type) continue;  // complex or quantised numbers: nothing that a network here has
    std::optional<Place>& place = places[tensor.storage];
    if (!place) place = find_place(storage, named.name);
    tensors.push_back(checked_tensor(named.name, pickle, tensor, *place, file));
  }
  std::sort(tensors.begin(), tensors.end(),
            [](const StoredTensor& a, const StoredTensor& b) { return a.name < b.name; });
  const auto twin = std::adjacent_find(tensors.begin(), tensors.end(),
                                       [](const StoredTensor& a, const StoredTensor& b) { return a.name == b.name; });
  GYRUS_CHECK(twin == tensors.end(), Code::file_format, file, ": the tensor ", quoted(twin->name),
              " is there twice; save the state dict alone with torch.save");
  std::stable_sort(tensors.begin(), tensors.end(),
                   [](const StoredTensor& a, const StoredTensor& b) { return a.offset < b.offset; });
  return tensors;
}

std::vector<StoredTensor> read_zip(const InputFile& file) {
  const std::vector<ZipEntry> entries = torch::read_zip_directory(file);
  const std::string root = find_root(file, entries);
  check_byte_order(file, entries, root);
  const ZipEntry& entry = *find_entry(entries, root + "data.pkl");
  GYRUS_CHECK(entry.bytes <= static_cast<std::int64_t>(torch::kMaxPickle), Code::file_format, file.label(),
              ": its data.pkl has ", entry.bytes, " bytes, at most ", torch::kMaxPickle,
              " were expected; save the state dict alone with torch.save");
  const AlignedBuffer buffer(std::max<std::int64_t>(entry.bytes, 1));
  const std::span<std::byte> bytes(buffer.as<std::byte>(), static_cast<std::size_t>(entry.bytes));
  file.read_at(entry.offset, bytes);
  const Pickle pickle = torch::read_pickle(bytes, file.label());
  return locate(pickle, file.label(), [&](const Storage& storage, const std::string& tensor) {
    const ZipEntry* const data = find_entry(entries, text(root, "data/", storage.key));
    GYRUS_CHECK(data != nullptr, Code::file_format, file.label(), ": the storage ", quoted(storage.key),
                " of the tensor ", quoted(tensor), " is not in the archive; the file is damaged: fetch it again");
    return Place{data->offset, data->bytes};
  });
}

std::vector<StoredTensor> read_legacy(const InputFile& file) {
  const torch::LegacyFile legacy(file);
  return locate(legacy.pickle(), file.label(), [&](const Storage& storage, const std::string& tensor) {
    const auto place = legacy.find(storage.key);
    GYRUS_CHECK(place.has_value(), Code::file_format, file.label(), ": the storage ", quoted(storage.key),
                " of the tensor ", quoted(tensor), " is not in the file; the file is damaged: fetch it again");
    return Place{place->offset, place->bytes};
  });
}

}  // namespace

bool is_torch_file(const InputFile& file) {
  return begins_with(file, kZipMagic) || begins_with(file, kEmptyZipMagic) || torch::is_legacy_file(file);
}

TorchReader::TorchReader(InputFile opened) : TensorFile(std::move(opened)) {
  set_tensors(torch::is_legacy_file(input()) ? read_legacy(input()) : read_zip(input()));
}

TorchReader::TorchReader(std::span<const std::byte> bytes, std::string label)
    : TorchReader(InputFile(bytes, std::move(label))) {}

}  // namespace gyrus::io
