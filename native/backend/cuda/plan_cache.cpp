#include "backend/cuda/plan_cache.h"

#include <cctype>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>

namespace gyrus::backend::cuda {
namespace {

namespace fs = std::filesystem;

std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  return value != nullptr ? value : "";
}

fs::path cache_folder() {
  if (const std::string own = environment("GYRUS_CUDA_CACHE"); !own.empty()) return own;
  if (const std::string cache = environment("XDG_CACHE_HOME"); !cache.empty()) return fs::path(cache) / "gyrus";
  if (const std::string home = environment("HOME"); !home.empty()) return fs::path(home) / ".cache" / "gyrus";
  return {};
}

std::string file_name(const std::string& identity) {
  std::string name = "cuda-plans-";
  for (const char c : identity) name += std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' ? c : '-';
  return name + ".txt";
}

// "KEY\tNUMBER"; any other line is damaged.
std::optional<std::pair<std::string, int>> parse(std::string_view line) {
  const std::size_t tab = line.rfind('\t');
  if (tab == std::string_view::npos) return std::nullopt;
  const char* const end = line.data() + line.size();
  int choice = -1;
  const auto [rest, problem] = std::from_chars(line.data() + tab + 1, end, choice);
  if (problem != std::errc() || rest != end || choice < 0) return std::nullopt;
  return std::pair{std::string(line.substr(0, tab)), choice};
}

}  // namespace

PlanCache::PlanCache(const std::string& identity) : is_tuning_(environment("GYRUS_CUDA_TUNE") != "0") {
  const fs::path folder = cache_folder();
  if (folder.empty()) return;
  std::error_code problem;
  fs::create_directories(folder, problem);
  path_ = (folder / file_name(identity)).string();
  std::ifstream file(path_);
  for (std::string line; std::getline(file, line);) {
    ends_torn_ = file.eof();  // without a line's end: a process died while it wrote
    if (const auto entry = ends_torn_ ? std::nullopt : parse(line)) {
      choices_.insert_or_assign(entry->first, entry->second);
    } else if (!line.empty()) {
      ++damaged_;
    }
  }
}

std::string PlanCache::notice() const {
  if (damaged_ == 0) return "";
  return std::to_string(damaged_) + " damaged lines of " + path_ + " were left aside";
}

std::optional<int> PlanCache::find(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = choices_.find(key);
  return found == choices_.end() ? std::nullopt : std::optional(found->second);
}

void PlanCache::keep(const std::string& key, int choice) {
  const std::lock_guard lock(mutex_);
  choices_.insert_or_assign(key, choice);
  if (path_.empty()) return;
  // One short write at the end of the file: two processes that tune at once do not mix their lines.
  const std::string line = (ends_torn_ ? "\n" : "") + key + '\t' + std::to_string(choice) + '\n';
  std::ofstream(path_, std::ios::app) << line << std::flush;
  ends_torn_ = false;
}

}  // namespace gyrus::backend::cuda
