// How fast one core does what curation consists of: hashing, inflating, counting, scaling, resampling. Held against
// what the same core can do at most: cycles, and libdeflate alone.
//   gyrus_imaging_rates [FILE.gz]      FILE.gz: a packed volume to inflate; none: noise that is packed here
// Prints a line of JSON a measurement: {"name": ..., "rate": bytes or slices a second, "limit": ..., "share": ...}, the
// limit and the share of it null where none is known. Takes some ten seconds.
#include <libdeflate.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "imaging/entropy.h"
#include "imaging/grey_levels.h"
#include "imaging/histogram.h"
#include "imaging/percentile.h"
#include "imaging/resample.h"
#include "imaging/slice_extractor.h"
#include "imaging/slice_statistics.h"
#include "io/gzip.h"
#include "io/sha256.h"

namespace gyrus::bench {
namespace {

constexpr int kRepeats = 15;
constexpr std::int64_t kSide = 256, kSlices = 150;
constexpr std::size_t kVoxels = static_cast<std::size_t>(kSide * kSide * kSlices);

volatile double sink = 0;  // takes results, so that the compiler cannot leave the work out

// The shortest of some repeats, in seconds: a rate is what the core does when nothing disturbs it.
template <class Work>
double best_seconds(const Work& work) {
  double best = std::numeric_limits<double>::infinity();
  for (int repeat = 0; repeat < kRepeats; ++repeat) {
    const auto start = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    best = std::min(best, elapsed.count());
  }
  return best;
}

// Cycles a second, by additions each of which waits for the one before.
double clock_rate() {
  constexpr std::uint64_t kAdditions = 100'000'000;
  const double seconds = best_seconds([] {
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < kAdditions; ++i) asm volatile("add $1, %0" : "+r"(sum));
    sink = static_cast<double>(sum);
  });
  return static_cast<double>(kAdditions) / seconds;
}

// Stores a second, each to another cache line than the one before, all in the nearest cache: what counting is held to.
double store_rate() {
  constexpr std::size_t kLines = 64, kWords = 16;  // 4 KiB, 64 bytes a line
  constexpr int kRounds = 1'000'000;
  static std::array<volatile std::uint32_t, kLines * kWords> lines;
  const double seconds = best_seconds([] {
    for (int round = 0; round < kRounds; ++round) {
#pragma GCC unroll 64
      for (std::size_t line = 0; line < kLines; ++line) lines[line * kWords] = 1;
    }
  });
  return static_cast<double>(kRounds) * kLines / seconds;
}

void print(const char* name, double rate, double limit) {
  std::printf(R"({"name": "%s", "rate": %.4g)", name, rate);
  if (limit > 0) {
    std::printf(R"(, "limit": %.4g, "share": %.3f})", limit, rate / limit);
  } else {
    std::printf(R"(, "limit": null, "share": null})");
  }
  std::printf("\n");
  std::fflush(stdout);
}

// A head of tissue and noise in the middle of a background with a little noise, or none.
template <class T>
std::vector<T> draw_volume(double scale, bool has_noisy_background) {
  std::vector<T> voxels(kVoxels);
  std::uint32_t state = 1;
  for (std::size_t i = 0; i < kVoxels; ++i) {
    const std::size_t column = i % 256, row = i / 256 % 256, slice = i / 65536;
    const double x = static_cast<double>(column) / 128 - 1, y = static_cast<double>(row) / 128 - 1;
    const double z = static_cast<double>(slice) / 75 - 1;
    const double noise = static_cast<double>((state = state * 1664525 + 1013904223) >> 16) / 65536;
    const double tissue = 0.5 + 0.3 * std::sin(9 * x) * std::sin(11 * y + 3 * z);
    const bool is_head = x * x / 0.6 + y * y / 0.8 + z * z < 1;
    const double value = is_head ? tissue + 0.15 * noise : has_noisy_background ? 0.02 * noise : 0;
    voxels[i] = static_cast<T>(scale * value);
  }
  return voxels;
}

struct Packed {
  std::vector<std::byte> bytes;
  std::size_t unpacked = 0;
};

struct FreeCompressor {
  void operator()(libdeflate_compressor* state) const noexcept { libdeflate_free_compressor(state); }
};
struct FreeDecompressor {
  void operator()(libdeflate_decompressor* state) const noexcept { libdeflate_free_decompressor(state); }
};

Packed pack_noise() {
  const std::vector<std::int16_t> volume = draw_volume<std::int16_t>(1000, true);
  const std::unique_ptr<libdeflate_compressor, FreeCompressor> state(libdeflate_alloc_compressor(6));
  Packed packed{{}, kVoxels * sizeof(std::int16_t)};
  packed.bytes.resize(libdeflate_gzip_compress_bound(state.get(), packed.unpacked));
  packed.bytes.resize(
      libdeflate_gzip_compress(state.get(), volume.data(), packed.unpacked, packed.bytes.data(), packed.bytes.size()));
  return packed;
}

// Of one member, whose last four bytes are the length of what it holds.
Packed read_packed(const char* path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  Packed packed;
  if (bytes.size() < 18) return packed;
  const auto view = std::as_bytes(std::span(bytes));
  packed.bytes.assign(view.begin(), view.end());
  for (std::size_t i = 0; i < 4; ++i) {
    packed.unpacked |= static_cast<std::size_t>(packed.bytes[packed.bytes.size() - 4 + i]) << (8 * i);
  }
  return packed;
}

void measure_files(double clock, const Packed& packed) {
  const double packed_size = static_cast<double>(packed.bytes.size());
  // 32 instructions of two rounds, each of which waits four cycles for the one before, to 64 bytes.
  print("sha256", packed_size / best_seconds([&] { sink = io::sha256_hex(packed.bytes)[0]; }), clock * 64 / (32 * 4));
  std::vector<std::byte> out(packed.unpacked);
  const double size = static_cast<double>(packed.unpacked);
  const std::unique_ptr<libdeflate_decompressor, FreeDecompressor> state(libdeflate_alloc_decompressor());
  const double alone = size / best_seconds([&] {
                         sink = libdeflate_gzip_decompress(state.get(), packed.bytes.data(), packed.bytes.size(),
                                                           out.data(), out.size(), nullptr);
                       });
  io::Gunzip gunzip;
  print("inflate", size / best_seconds([&] { gunzip.read(packed.bytes, 0, out, "file"); }), alone);
}

template <class T>
imaging::Runs<T> whole(const std::vector<T>& voxels) {
  return {voxels.data(), static_cast<std::int64_t>(kVoxels) / kSide, kSide, kSide};
}

// Counting costs a load and a store an element.
void measure_counts(double clock, double stores) {
  const double voxels = static_cast<double>(kVoxels);
  std::vector<double> entropies(static_cast<std::size_t>(kSlices));
  const std::vector<std::uint8_t> noise = draw_volume<std::uint8_t>(230, true);
  print("entropy_u8", voxels / best_seconds([&] { imaging::image_entropies(noise, entropies); }), stores);

  const std::vector<std::uint16_t> words = draw_volume<std::uint16_t>(1000, true);
  print("key_range_u16", 2 * voxels / best_seconds([&] { sink = imaging::key_range(whole(words), 0).most; }),
        clock * 2 * 64);
  imaging::KeyHistogram histogram;
  const imaging::KeyRange range = imaging::key_range(whole(words), 0);
  std::vector<std::uint32_t> counts(static_cast<std::size_t>(range.most - range.least) + 1);
  print("key_histogram_u16", 2 * voxels / best_seconds([&] { histogram.count(whole(words), 0, range, counts); }),
        2 * stores);
  const std::vector<float> reals = draw_volume<float>(1, true);
  print("percentiles_f32", 4 * voxels / best_seconds([&] { sink = imaging::window_of_values(reals, {}).low; }),
        4 * stores);
}

void measure_levels() {
  const std::vector<float> reals = draw_volume<float>(1, true);
  std::vector<std::uint8_t> grey(kVoxels);
  std::vector<std::uint16_t> levels(kVoxels);
  const imaging::Window window{0.001, 0.9};
  const double bytes = 4 * static_cast<double>(kVoxels);
  // A division in f64 an element is what bounds it; how many a core makes differs between cores.
  print("grey_levels_f32", bytes / best_seconds([&] { imaging::to_grey_levels(reals, window, grey); }), 0);
  print("levels_16_f32", bytes / best_seconds([&] { imaging::to_levels_16(reals, window, levels); }), 0);
}

void measure_resampling(double clock) {
  const std::vector<std::uint16_t> words = draw_volume<std::uint16_t>(60'000, true);
  const auto slice = std::span(words).subspan(kVoxels / 2, static_cast<std::size_t>(kSide * kSide));
  for (const std::int64_t size : {224, 256, 320}) {
    imaging::Resampler resampler;
    resampler.prepare({kSide, kSide, 1, size == kSide ? 0.9 : 1, size});
    std::vector<std::uint16_t> out(static_cast<std::size_t>(size * size));
    const double seconds = best_seconds([&] {
      for (int i = 0; i < 20; ++i) resampler.run(slice, out);
    });
    // Two or three taps an axis; 32 multiply-adds a cycle. Moving numbers between rows and columns is not in it.
    const double taps = size < kSide ? 3 : 2;
    const double work = taps * static_cast<double>(kSide * size) + taps * static_cast<double>(size * size);
    const std::string name = "resample_256_to_" + std::to_string(size) + "_slices";
    print(name.c_str(), 20 / seconds, clock * 32 / work);
  }
}

// Whole volumes, as curation examines them.
void measure_volumes() {
  const std::vector<std::uint16_t> words = draw_volume<std::uint16_t>(1000, true);
  const std::vector<float> reals = draw_volume<float>(1, true);
  imaging::SliceStatistician statistician;
  imaging::Volume volume;
  for (const auto plane : {imaging::Plane::axial, imaging::Plane::coronal, imaging::Plane::sagittal}) {
    const imaging::StatisticsOptions options{.plane = plane, .percentiles = {}, .domain = imaging::EntropyDomain::box};
    const std::string suffix = std::to_string(static_cast<int>(plane));
    volume.voxels = {.data = words.data(), .extents = {kSide, kSide, kSlices}, .kind = imaging::VoxelKind::u16};
    print(("examine_u16_plane_" + suffix).c_str(),
          2 * static_cast<double>(kVoxels) / best_seconds([&] { statistician.examine(volume, options); }), 0);
    volume.voxels = {.data = reals.data(), .extents = {kSide, kSide, kSlices}, .kind = imaging::VoxelKind::f32};
    print(("examine_f32_plane_" + suffix).c_str(),
          4 * static_cast<double>(kVoxels) / best_seconds([&] { statistician.examine(volume, options); }), 0);
  }
}

}  // namespace
}  // namespace gyrus::bench

int main(int count, char** words) {
  using namespace gyrus::bench;
  const Packed packed = count > 1 ? read_packed(words[1]) : pack_noise();
  if (count > 2 || packed.unpacked == 0) {
    std::fputs("usage: gyrus_imaging_rates [FILE.gz]\n", stderr);
    return 2;
  }
  const double clock = clock_rate();
  print("clock", clock, 0);
  measure_files(clock, packed);
  const double stores = store_rate();
  print("scattered_stores", stores, 0);
  measure_counts(clock, stores);
  measure_levels();
  measure_resampling(clock);
  measure_volumes();
  return 0;
}
