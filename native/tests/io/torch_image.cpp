#include "tests/io/torch_image.h"

#include <cstring>

namespace gyrus::tests {
namespace {

template <class Number>
std::string raw(Number value) {
  std::string bytes(sizeof(value), '\0');
  std::memcpy(bytes.data(), &value, sizeof(value));
  return bytes;
}

std::string numbers(const std::vector<std::int64_t>& values) {
  std::string items;
  for (const std::int64_t value : values) items += pickle::number(value);
  return pickle::tuple(items);
}

constexpr std::uint32_t kIn64 = 0xffffffff;

std::string local_header(const ZipFile& file, const ZipOptions& options) {
  const auto size = options.has_descriptors ? 0U : static_cast<std::uint32_t>(file.content.size());
  const auto flags = static_cast<std::uint16_t>(file.flags | (options.has_descriptors ? 8U : 0U));
  return "PK\x03\x04" + raw<std::uint16_t>(20) + raw(flags) + raw(file.method) + raw<std::uint32_t>(0) +
         raw<std::uint32_t>(0) + raw(size) + raw(size) + raw(static_cast<std::uint16_t>(file.name.size())) +
         raw<std::uint16_t>(0) + file.name;
}

std::string central_header(const ZipFile& file, std::size_t offset, const ZipOptions& options) {
  const auto size = static_cast<std::uint32_t>(file.content.size());
  std::string extra;
  if (options.is_zip64) {
    extra = raw<std::uint16_t>(7) + raw<std::uint16_t>(1) + "x" + raw<std::uint16_t>(1) + raw<std::uint16_t>(24) +
            raw<std::uint64_t>(size) + raw<std::uint64_t>(size) + raw<std::uint64_t>(offset);
  }
  return "PK\x01\x02" + raw<std::uint16_t>(20) + raw<std::uint16_t>(20) + raw(file.flags) + raw(file.method) +
         raw<std::uint32_t>(0) + raw<std::uint32_t>(0) + raw(options.is_zip64 ? kIn64 : size) +
         raw(options.is_zip64 ? kIn64 : size) + raw(static_cast<std::uint16_t>(file.name.size())) +
         raw(static_cast<std::uint16_t>(extra.size())) + std::string(10, '\0') +
         raw(options.is_zip64 ? kIn64 : static_cast<std::uint32_t>(offset)) + file.name + extra;
}

}  // namespace

namespace pickle {

std::string text(std::string_view value) {
  return "X" + raw(static_cast<std::uint32_t>(value.size())) + std::string(value);
}
std::string number(std::int64_t value) { return "\x8a\x08" + raw(value); }
std::string global(std::string_view module, std::string_view name) {
  return "c" + std::string(module) + "\n" + std::string(name) + "\n";
}
std::string tuple(std::string_view items) { return "(" + std::string(items) + "t"; }
std::string call(std::string_view callable, std::string_view arguments_tuple) {
  return std::string(callable) + std::string(arguments_tuple) + "R";
}
std::string storage(std::string_view type, std::string_view key, std::int64_t elements) {
  return tuple(text("storage") + global("torch", type) + text(key) + text("cpu") + number(elements)) + "Q";
}
std::string tensor(std::string_view storage, std::int64_t offset, const std::vector<std::int64_t>& sizes,
                   const std::vector<std::int64_t>& strides) {
  const std::string hooks = call(global("collections", "OrderedDict"), ")");
  return call(global("torch._utils", "_rebuild_tensor_v2"),
              tuple(std::string(storage) + number(offset) + numbers(sizes) + numbers(strides) + "\x89" + hooks));
}
std::string dict(std::string_view keys_and_values) { return "}(" + std::string(keys_and_values) + "u"; }
std::string program(std::string_view value) { return "\x80\x02" + std::string(value) + "."; }

}  // namespace pickle

std::string zip_image(const std::vector<ZipFile>& files, const ZipOptions& options) {
  std::string image, directory;
  for (const ZipFile& file : files) {
    directory += central_header(file, image.size(), options);
    image += local_header(file, options) + file.content;
    const auto size = static_cast<std::uint32_t>(file.content.size());
    if (options.has_descriptors) image += "PK\x07\x08" + raw<std::uint32_t>(0) + raw(size) + raw(size);
  }
  const std::size_t begin = image.size();
  image += directory;
  const auto count = static_cast<std::uint16_t>(files.size());
  if (options.is_zip64) {
    const std::size_t record = image.size();
    image += "PK\x06\x06" + raw<std::uint64_t>(44) + raw<std::uint32_t>(0) + raw<std::uint64_t>(0) +
             raw<std::uint64_t>(count) + raw<std::uint64_t>(count) + raw<std::uint64_t>(directory.size()) +
             raw<std::uint64_t>(begin);
    image += "PK\x06\x07" + raw<std::uint32_t>(0) + raw<std::uint64_t>(record) + raw<std::uint32_t>(1);
    return image + "PK\x05\x06" + raw<std::uint32_t>(0) + raw<std::uint16_t>(0xffff) + raw<std::uint16_t>(0xffff) +
           raw(kIn64) + raw(kIn64) + raw<std::uint16_t>(0);
  }
  return image + "PK\x05\x06" + raw<std::uint32_t>(0) + raw(count) + raw(count) +
         raw(static_cast<std::uint32_t>(directory.size())) + raw(static_cast<std::uint32_t>(begin)) +
         raw<std::uint16_t>(0);
}

std::string torch_image(std::string_view value, const std::vector<ZipFile>& storages, const ZipOptions& options) {
  std::vector<ZipFile> files{{"w/data.pkl", pickle::program(value)}, {"w/byteorder", "little"}};
  for (const ZipFile& storage : storages) {
    files.push_back(storage);
    files.back().name = "w/data/" + storage.name;
  }
  return zip_image(files, options);
}

std::string floats(const std::vector<float>& values) {
  std::string bytes(values.size() * sizeof(float), '\0');
  if (!values.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

}  // namespace gyrus::tests
