#include "backend/no_device_memory.h"

#include <array>
#include <cstdio>

namespace gyrus::backend {
namespace {

std::string size_text(std::int64_t bytes) {
  constexpr double kMiB = 1024.0 * 1024.0;
  const double mib = static_cast<double>(bytes) / kMiB;
  std::array<char, 32> words{};
  (void)std::snprintf(words.data(), words.size(), mib < 1024 ? "%.1f MiB" : "%.2f GiB", mib < 1024 ? mib : mib / 1024);
  return words.data();
}

}  // namespace

Error no_device_memory(std::int64_t needed, std::int64_t free, std::int64_t all) {
  return Error(Code::out_of_memory,
               text("the GPU has ", size_text(free), " of ", size_text(all), " free, and ", size_text(needed),
                    " more are needed; use a smaller batch, or free the GPU of other programs"));
}

}  // namespace gyrus::backend
