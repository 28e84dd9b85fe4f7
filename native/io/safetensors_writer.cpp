// Writing safetensors: f32 tensors in the order given, one after the other.
#include <algorithm>
#include <bit>
#include <cstring>

#include "io/file.h"
#include "io/safetensors.h"
#include "io/utf8.h"

namespace gyrus::io {
namespace {

constexpr std::size_t kAlignment = 8;  // bytes: where the data begins, so that readers may map it
constexpr std::string_view kMetadata = "__metadata__";

static_assert(std::endian::native == std::endian::little, "safetensors is little-endian");

void append_json_string(std::string& out, std::string_view value) {
  out += '"';
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      constexpr std::string_view kDigits = "0123456789abcdef";
      out += "\\u00";
      out += kDigits[byte >> 4U];
      out += kDigits[byte & 15U];
    } else {
      out += c;
    }
  }
  out += '"';
}

void check_names(std::span<const TensorToWrite> tensors) {
  std::vector<std::string_view> names;
  names.reserve(tensors.size());
  for (const TensorToWrite& tensor : tensors) {
    GYRUS_CHECK(!tensor.name.empty(), Code::name, "a tensor to be saved has an empty name; name it");
    GYRUS_CHECK(tensor.name != kMetadata, Code::name, "a tensor cannot be saved as ", kMetadata,
                ", the format keeps this name for itself; choose another");
    GYRUS_CHECK(is_utf8(tensor.name), Code::name, "the name ", quoted(tensor.name),
                " of a tensor to be saved is not UTF-8; choose another");
    const std::size_t given = tensor.counter ? 1 : tensor.data.size();
    GYRUS_CHECK(static_cast<std::int64_t>(given) == tensor.shape.elements(), Code::shape, "tensor ",
                quoted(tensor.name), " ", tensor.shape, " has ", tensor.shape.elements(), " elements, its data has ",
                given, "; give data of the same size");
    names.push_back(tensor.name);
  }
  std::sort(names.begin(), names.end());
  const auto twin = std::adjacent_find(names.begin(), names.end());
  GYRUS_CHECK(twin == names.end(), Code::name, "two tensors to be saved have the name ", quoted(*twin),
              "; names must differ");
}

void append_metadata(std::string& json, const std::map<std::string, std::string>& metadata) {
  append_json_string(json, kMetadata);
  json += ":{";
  std::string_view separator;
  for (const auto& [key, value] : metadata) {
    GYRUS_CHECK(is_utf8(key) && is_utf8(value), Code::invalid_argument, "the metadata ", quoted(key), ": ",
                quoted(value), " is not UTF-8; remove or encode it");
    json += separator;
    append_json_string(json, key);
    json += ':';
    append_json_string(json, value);
    separator = ",";
  }
  json += '}';
}

void append_tensor(std::string& json, const TensorToWrite& tensor, std::int64_t begin) {
  append_json_string(json, tensor.name);
  json += tensor.counter ? R"(:{"dtype":"I64","shape":[)" : R"(:{"dtype":"F32","shape":[)";
  std::string_view separator;
  for (const std::int64_t extent : tensor.shape.extents()) {
    json += separator;
    json += std::to_string(extent);
    separator = ",";
  }
  json += text("],\"data_offsets\":[", begin, ",", begin + static_cast<std::int64_t>(tensor.bytes().size()), "]}");
}

}  // namespace

std::string safetensors_prefix(std::span<const TensorToWrite> tensors,
                               const std::map<std::string, std::string>& metadata) {
  check_names(tensors);
  std::string json = "{";
  if (!metadata.empty()) append_metadata(json, metadata);
  std::int64_t begin = 0;
  for (const TensorToWrite& tensor : tensors) {
    if (json.size() > 1) json += ',';
    append_tensor(json, tensor, begin);
    begin += static_cast<std::int64_t>(tensor.bytes().size());
  }
  json += '}';
  while ((sizeof(std::uint64_t) + json.size()) % kAlignment != 0) json += ' ';
  const std::uint64_t length = json.size();
  std::string prefix(sizeof(length), '\0');
  std::memcpy(prefix.data(), &length, sizeof(length));
  return prefix + json;
}

void write_safetensors(const std::string& path, std::span<const TensorToWrite> tensors,
                       const std::map<std::string, std::string>& metadata) {
  const std::string prefix = safetensors_prefix(tensors, metadata);
  AtomicFile file(path);
  file.write(std::as_bytes(std::span(prefix)));
  for (const TensorToWrite& tensor : tensors) file.write(tensor.bytes());
  file.commit();
}

}  // namespace gyrus::io
