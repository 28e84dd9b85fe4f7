#include "core/available_memory.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <iomanip>
#include <sstream>
#include <vector>

#include "core/memory_stats.h"

namespace gyrus {
namespace {

constexpr const char* kVariable = "GYRUS_MEMORY_LIMIT";
constexpr std::int64_t kKibi = 1024;
// Of what is left: Node's own heap, libraries' buffers, and other processes move while a run goes on.
constexpr double kUsableShare = 0.95;

std::optional<std::int64_t> number_of(std::string_view digits) {
  std::int64_t value = 0;
  const auto [rest, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (problem != std::errc() || rest == digits.data()) return std::nullopt;
  return value;
}

// The first word of a file: "max" and files that are not there are no number.
std::optional<std::int64_t> number_in(const std::string& path) {
  std::ifstream file(path);
  std::string word;
  file >> word;
  return number_of(word);
}

// The number behind `key` in lines of "key value" or "key: value kB".
std::optional<std::int64_t> number_behind(const std::string& path, std::string_view key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string name, value;
    words >> name >> value;
    if (name == key) return number_of(value);
  }
  return std::nullopt;
}

// How a version of control groups calls its files.
struct GroupFiles {
  const char *limit, *usage, *reclaimable;
};
constexpr GroupFiles kVersion1{"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"};
constexpr GroupFiles kVersion2{"memory.max", "memory.current", "inactive_file"};

void keep_less(std::optional<AvailableMemory>& least, std::int64_t bytes, const std::string& whose) {
  if (!least || bytes < least->bytes) least = {std::max<std::int64_t>(bytes, 0), whose};
}

// The group and all around it, up to the mount: in a container the path may begin outside of what is mounted, and then
// only the mount itself is there.
void look_at_groups(std::optional<AvailableMemory>& least, const std::string& mount, std::string group,
                    const GroupFiles& files) {
  while (true) {
    const std::string folder = mount + group + "/";
    const auto limit = number_in(folder + files.limit), usage = number_in(folder + files.usage);
    if (limit && usage) {
      const std::int64_t reclaimable = number_behind(folder + "memory.stat", files.reclaimable).value_or(0);
      keep_less(least, *limit - (*usage - reclaimable), text("of the control group's at ", mount, group));
    }
    const std::size_t slash = group.rfind('/');
    if (group.empty() || slash == std::string::npos) return;
    group.erase(slash);
  }
}

// Lines of /proc/self/cgroup: "0::/path" (version 2), "4:cpu,memory:/path" (version 1).
void look_at_all_groups(std::optional<AvailableMemory>& least, const std::string& root) {
  std::ifstream file(root + "/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    std::string group = line.substr(second + 1);
    if (group == "/") group.clear();
    if (controllers == ",,") look_at_groups(least, root + "/sys/fs/cgroup", group, kVersion2);
    if (controllers.find(",memory,") != std::string::npos) {
      look_at_groups(least, root + "/sys/fs/cgroup/memory", group, kVersion1);
    }
  }
}

// Of the engine's buffers, what has no page behind it yet: the system still counts it as free.
std::int64_t untouched(const std::string& root) {
  const auto resident = number_behind(root + "/proc/self/status", "RssAnon:");
  return resident ? std::max<std::int64_t>(0, memory_stats().host_bytes - *resident * kKibi) : 0;
}

// What the variable says; nullopt: nothing.
std::optional<AvailableMemory> stated_limit(std::string_view value) {
  constexpr std::string_view kUnits = "KMGT";
  std::int64_t bytes = 0;
  const char* const end = value.data() + value.size();
  auto [rest, problem] = std::from_chars(value.data(), end, bytes);
  const bool is_number = problem == std::errc() && rest != value.data();
  if (is_number && rest != end) {
    const std::size_t unit = kUnits.find(*rest);
    if (unit != std::string_view::npos) {
      for (std::size_t power = 0; power <= unit; ++power) bytes *= kKibi;
      ++rest;
    }
  }
  GYRUS_CHECK(is_number && rest == end && bytes > 0, Code::invalid_argument, kVariable, " is '", value,
              "': a number of bytes was expected, with K, M, G or T behind it or not, or 'none'");
  return AvailableMemory{std::max<std::int64_t>(0, bytes - memory_stats().host_bytes), text("of ", kVariable, "'s")};
}

}  // namespace

std::optional<AvailableMemory> available_memory(const std::string& root) {
  std::optional<AvailableMemory> least;
  const auto machine = number_behind(root + "/proc/meminfo", "MemAvailable:");
  if (machine) keep_less(least, *machine * kKibi, "of the machine's");
  look_at_all_groups(least, root);
  if (least) least->bytes = std::max<std::int64_t>(0, least->bytes - untouched(root));
  return least;
}

void check_available(std::int64_t bytes, std::string_view what) {
  const char* const value = std::getenv(kVariable);
  if (value != nullptr && std::string_view(value) == "none") return;
  const std::optional<AvailableMemory> left = value == nullptr ? available_memory() : stated_limit(value);
  if (!left) return;
  const auto usable =
      value == nullptr ? static_cast<std::int64_t>(kUsableShare * static_cast<double>(left->bytes)) : left->bytes;
  if (bytes <= usable) return;
  throw MemoryShortage(bytes, usable,
                       text(what, " needs ", in_gibibytes(bytes), " of memory, and ", in_gibibytes(usable), " ",
                            left->whose, " are left"));
}

std::string in_gibibytes(std::int64_t bytes) {
  std::ostringstream out;
  out << std::fixed << std::setprecision(2) << static_cast<double>(bytes) / static_cast<double>(kKibi * kKibi * kKibi)
      << " GiB";
  return std::move(out).str();
}

}  // namespace gyrus
