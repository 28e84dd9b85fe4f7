// How fast libdeflate alone inflates gzip files: what curation is held against. Each thread takes the next file, reads
// it whole and inflates it into memory that it uses again.
//   gyrus_inflate --threads N FILE...
// Prints one line of JSON: {"event": "done", "seconds": ..., "bytes": ...}, bytes being those that came out.
#include <libdeflate.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

struct Free {
  void operator()(libdeflate_decompressor* state) const noexcept { libdeflate_free_decompressor(state); }
};

class Inflater {
 public:
  // How many bytes come out of a file of one gzip member.
  std::size_t inflate(const std::string& path) {
    std::ifstream file(path, std::ios::binary | std::ios::ate);
    const auto size = static_cast<std::size_t>(std::max<std::streamoff>(file.tellg(), 0));
    if (size < 18) throw std::runtime_error(path + " is no gzip file");
    if (packed_.size() < size) packed_.resize(size);
    file.seekg(0).read(packed_.data(), static_cast<std::streamsize>(size));
    std::uint32_t announced = 0;
    std::memcpy(&announced, packed_.data() + size - sizeof announced, sizeof announced);
    if (unpacked_.size() < announced) unpacked_.resize(announced);
    std::size_t made = 0;
    if (libdeflate_gzip_decompress(state_.get(), packed_.data(), size, unpacked_.data(), announced, &made) !=
        LIBDEFLATE_SUCCESS) {
      throw std::runtime_error(path + " cannot be inflated");
    }
    return made;
  }

 private:
  std::unique_ptr<libdeflate_decompressor, Free> state_{libdeflate_alloc_decompressor()};
  std::vector<char> packed_, unpacked_;
};

}  // namespace

int main(int count, char** words) {
  const std::span<char*> parameters(words, static_cast<std::size_t>(count));
  if (parameters.size() < 4 || std::string(parameters[1]) != "--threads" || std::atoi(parameters[2]) < 1) {
    std::fputs("usage: gyrus_inflate --threads N FILE...\n", stderr);
    return 2;
  }
  const std::vector<std::string> files(parameters.begin() + 3, parameters.end());
  std::atomic<std::size_t> next = 0, total = 0;
  std::atomic<bool> is_failed = false;
  const auto start = std::chrono::steady_clock::now();
  const auto work = [&] {
    Inflater inflater;
    try {
      for (std::size_t file = next++; file < files.size(); file = next++) total += inflater.inflate(files[file]);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s\n", error.what());
      is_failed = true;
    }
  };
  {
    std::vector<std::jthread> threads(static_cast<std::size_t>(std::atoi(parameters[2])));
    for (std::jthread& thread : threads) thread = std::jthread(work);
  }
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  std::printf("{\"event\": \"done\", \"seconds\": %.6f, \"bytes\": %zu}\n", elapsed.count(), total.load());
  return is_failed ? 1 : 0;
}
