// What this machine can do at most, measured: a step's kernels are held against it in RESULTS.md.
//   gyrus_limits [--threads N]      N: all CPUs unless given
// Prints one line of JSON: operations a second in f32 and bf16 (null where there is no instruction for it), and bytes a
// second, read and written, of copies of arrays much larger than the caches and of such that stay in the last of them
// (null where there is none beyond the cores' own). Takes about a second.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include "bf16_rates.h"
#include "simd_rates.h"
#include "timing.h"

namespace gyrus::bench {
namespace {

constexpr std::int64_t kMebi = std::int64_t{1} << 20;
constexpr std::int64_t kRounds = 400'000;  // 2 ms at two multiply-adds a cycle

// Two arrays, and copies from one to the other. A repeat copies one of `parts` equal parts.
class CopyArrays {
 public:
  CopyArrays(std::int64_t bytes_each, int parts, int threads) : bytes_(bytes_each), parts_(parts), threads_(threads) {
    void* const pages = ::mmap(nullptr, mapped(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) return;
    ::madvise(pages, mapped(), MADV_HUGEPAGE);
    data_ = static_cast<float*>(pages);
    // Pages belong to the memory next to the thread that touches them first.
    backend::cpu::run_team(threads, [this](const Team& team) {
      for (int part = 0; part < parts_; ++part) {
        const Range share = share_of(team, part);
        std::fill(data_ + share.begin, data_ + share.end, 1.0F);
        std::fill(target() + share.begin, target() + share.end, 1.0F);
      }
    });
  }
  ~CopyArrays() {
    if (data_ != nullptr) ::munmap(data_, mapped());
  }
  CopyArrays(const CopyArrays&) = delete;
  CopyArrays& operator=(const CopyArrays&) = delete;

  std::int64_t bytes() const { return 2 * bytes_; }

  // Bytes read and written a second; 0 when there was no memory. `passes`: how often a repeat copies its part.
  double copy_rate(int passes, bool is_streamed) const {
    if (data_ == nullptr) return 0;
    const double seconds = best_seconds(threads_, [=, this](const Team& team, int repeat) {
      const Range share = share_of(team, repeat % parts_);
      for (int pass = 0; pass < passes; ++pass) {
        copy_f32(data_ + share.begin, target() + share.begin, share.size(), is_streamed);
      }
    });
    const std::int64_t copied = bytes() / parts_ * passes;
    return static_cast<double>(copied) / seconds;
  }

 private:
  std::size_t mapped() const { return static_cast<std::size_t>(2 * bytes_); }
  std::int64_t count() const { return bytes_ / static_cast<std::int64_t>(sizeof(float)); }
  float* target() const { return data_ + count(); }
  Range share_of(const Team& team, int part) const {
    const Range share = team.share(count() / parts_, kCopyGrain);
    const std::int64_t start = count() / parts_ * part;
    return {start + share.begin, start + share.end};
  }

  std::int64_t bytes_;  // of each
  int parts_, threads_;
  float* data_ = nullptr;
};

// 0 when the machine does not say.
std::int64_t cache_bytes(int name) { return std::max(0L, ::sysconf(name)); }

struct Bandwidth {
  double rate = 0;         // bytes a second, 0: unknown
  std::int64_t bytes = 0;  // of the data
};

// Each array is twice the last-level cache, as far as memory allows.
Bandwidth memory_bandwidth(int threads) {
  constexpr int kParts = 8;
  const std::int64_t cache = std::max(cache_bytes(_SC_LEVEL3_CACHE_SIZE), cache_bytes(_SC_LEVEL2_CACHE_SIZE));
  const std::int64_t free = std::int64_t{::sysconf(_SC_AVPHYS_PAGES)} * ::sysconf(_SC_PAGESIZE);
  const std::int64_t wanted = std::min(std::clamp(2 * cache, 128 * kMebi, 1024 * kMebi), free / 4);
  const CopyArrays arrays(std::max<std::int64_t>(1, wanted / kMebi) * kMebi, kParts, threads);
  return {std::max(arrays.copy_rate(1, true), arrays.copy_rate(1, false)), arrays.bytes()};
}

// Both arrays together lie halfway (geometrically) between the cores' own caches and the one that they share.
Bandwidth cache_bandwidth(int threads) {
  constexpr int kPasses = 4;
  const std::int64_t own = cache_bytes(_SC_LEVEL2_CACHE_SIZE) * threads, shared = cache_bytes(_SC_LEVEL3_CACHE_SIZE);
  if (own <= 0 || shared < 4 * own) return {};
  const auto middle = static_cast<std::int64_t>(std::sqrt(static_cast<double>(own) * static_cast<double>(shared)));
  const CopyArrays arrays(std::max<std::int64_t>(1, middle / 2 / kMebi) * kMebi, 1, threads);
  return {arrays.copy_rate(kPasses, false), arrays.bytes()};
}

// Operations a second of all threads together.
template <class Work>
double arithmetic_rate(int threads, const Work& work) {
  double operations = 0;
  const double seconds = best_seconds(threads, [&](const Team& team, int) {
    volatile float sink = 0;
    const double done = work(&sink);
    if (team.index == 0) operations = done * team.count;
  });
  return operations / seconds;
}

// A rate as JSON: null for what could not be measured.
std::string shown(double rate) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.4g", rate);
  return rate > 0 ? text.data() : "null";
}

double bf16_rate(Bf16Unit unit, int threads) {
  if (unit == Bf16Unit::none) return 0;
  const std::int64_t rounds = unit == Bf16Unit::amx ? kRounds / 16 : kRounds;
  return arithmetic_rate(threads, [=](auto* sink) { return multiply_add_bf16(unit, rounds, sink); });
}

void print_limits(int threads) {
  const Bf16Unit unit = find_bf16_unit();
  const char* const unit_name = unit == Bf16Unit::amx ? "\"AMX\"" : unit == Bf16Unit::avx512 ? "\"AVX-512\"" : "null";
  const double f32 = arithmetic_rate(threads, [](auto* sink) { return multiply_add_f32(kRounds, sink); });
  const double bf16 = bf16_rate(unit, threads);
  const Bandwidth cache = cache_bandwidth(threads), memory = memory_bandwidth(threads);
  std::printf(R"({"threads":%d,"f32Flops":%s,"bf16Flops":%s,"bf16Unit":%s,"memoryBandwidth":%s,"memoryBytes":%lld,)"
              R"("cacheBandwidth":%s,"cacheBytes":%lld})"
              "\n",
              threads, shown(f32).c_str(), shown(bf16).c_str(), unit_name, shown(memory.rate).c_str(),
              static_cast<long long>(memory.bytes), shown(cache.rate).c_str(), static_cast<long long>(cache.bytes));
}

// 0 when the command line is wrong.
int parse_threads(int count, char** arguments) {
  if (count == 1) return static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  if (count != 3 || std::string(arguments[1]) != "--threads") return 0;
  return std::max(0, std::atoi(arguments[2]));
}

}  // namespace
}  // namespace gyrus::bench

int main(int count, char** arguments) {
  const int threads = gyrus::bench::parse_threads(count, arguments);
  if (threads == 0) {
    std::fputs("usage: gyrus_limits [--threads N], N at least 1\n", stderr);
    return 2;
  }
  gyrus::bench::print_limits(threads);
  return 0;
}
