#include "tests/io/scratch.h"

#include <zlib.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <system_error>

#include "core/error.h"

namespace gyrus::tests {

ScratchFolder::ScratchFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "gyrus-tests-XXXXXX").string();
  GYRUS_CHECK(::mkdtemp(name.data()) != nullptr, Code::file_io, "cannot make the folder ", name);
  folder_ = name;
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

std::size_t ScratchFolder::entries() const {
  const auto all = std::filesystem::directory_iterator(folder_);
  return static_cast<std::size_t>(std::distance(std::filesystem::begin(all), std::filesystem::end(all)));
}

void write_bytes(const std::string& path, std::string_view bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size())).flush();
  GYRUS_CHECK(file.good(), Code::file_io, "cannot write ", path);
}

std::string read_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  GYRUS_CHECK(file.good(), Code::file_io, "cannot read ", path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::string gzip_image(std::string_view bytes, int level) {
  constexpr int kGzipWindow = 15 + 16;
  z_stream stream{};
  if (deflateInit2(&stream, level, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) != Z_OK) return {};
  std::string packed(deflateBound(&stream, static_cast<uLong>(bytes.size())) + 64, '\0');
  // zlib's interface predates const.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(packed.size() - stream.avail_out);
  deflateEnd(&stream);
  return packed;
}

std::string safetensors_image(std::string_view header, std::size_t data_bytes) {
  const std::uint64_t length = header.size();
  std::string image(sizeof(length), '\0');
  std::memcpy(image.data(), &length, sizeof(length));
  image += header;
  for (std::size_t i = 1; i <= data_bytes; ++i) image += static_cast<char>(i);
  return image;
}

std::string npy_image(std::string_view dict, std::string_view data) {
  std::string image("\x93NUMPY\x01\x00", 8);
  image += static_cast<char>(dict.size() & 0xFFU);
  image += static_cast<char>(dict.size() >> 8U);
  image += dict;
  image += data;
  return image;
}

}  // namespace gyrus::tests
