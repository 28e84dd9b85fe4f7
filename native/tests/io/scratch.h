// Temporary folders and byte-level file building for the tests of this room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace gyrus::tests {

// A folder of its own, removed with all it holds.
class ScratchFolder {
 public:
  ScratchFolder();
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  std::string path(std::string_view name) const { return (folder_ / name).string(); }
  std::size_t entries() const;  // files and folders in it

 private:
  std::filesystem::path folder_;
};

void write_bytes(const std::string& path, std::string_view bytes);
std::string read_bytes(const std::string& path);

inline std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }
inline bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

// A gzip member made by zlib.
std::string gzip_image(std::string_view bytes, int level = 6);
// The bytes of a safetensors file with this header and `data_bytes` bytes 1, 2, 3 ... of data.
std::string safetensors_image(std::string_view header, std::size_t data_bytes = 0);
// The bytes of a .npy file of version 1.0 with this dict.
std::string npy_image(std::string_view dict, std::string_view data = "");

}  // namespace gyrus::tests
