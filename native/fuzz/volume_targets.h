// What the fuzzers of gzip streams and of volumes do with one input; in all else as targets.h.
#pragma once

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <vector>

#include "fuzz/targets.h"
#include "imaging/nifti_file.h"
#include "imaging/slice_extractor.h"
#include "imaging/slice_statistics.h"
#include "io/gzip.h"

namespace gyrus::fuzz {

constexpr std::int64_t kMaxExamined = 1 << 12;  // voxels

// The bytes as a gzip member, hardly compressed: that is cheap, and fuzzing of checksummed data would find little.
inline std::vector<std::byte> gzip_image(std::span<const std::byte> bytes) {
  constexpr int kSmallWindow = 9 + 16, kLeastMemory = 1;
  z_stream stream{};
  require(deflateInit2(&stream, 1, Z_DEFLATED, kSmallWindow, kLeastMemory, Z_DEFAULT_STRATEGY) == Z_OK);
  std::vector<std::byte> packed(deflateBound(&stream, static_cast<uLong>(bytes.size())) + 64);
  // zlib's interface predates const.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  require(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  packed.resize(packed.size() - stream.avail_out);
  deflateEnd(&stream);
  return packed;
}

// Refused: the stream is damaged, ends early or holds nothing. libdeflate and zlib must agree on what it holds.
inline Verdict run_gzip(std::span<const std::byte> bytes) {
  return verdict_of([bytes] {
    io::Gunzip gunzip;
    std::vector<std::byte> prefix(kMaxElements), whole;
    const auto found = static_cast<std::size_t>(gunzip.prefix(bytes, prefix, "input"));
    GYRUS_CHECK(found > 0, Code::file_format, "nothing in it");
    prefix.resize(found);
    whole.resize(found);
    const std::size_t skip = found / 3;
    gunzip.read(bytes, static_cast<std::int64_t>(skip), std::span(whole).subspan(skip), "input");
    require(std::equal(whole.begin() + static_cast<std::ptrdiff_t>(skip), whole.end(),
                       prefix.begin() + static_cast<std::ptrdiff_t>(skip)));
    gunzip.read(bytes, 0, whole, "input");
    require(whole == prefix);
    // Two at once, the second with too little room unless a member ends there.
    std::vector<std::byte> other(found), less(found - 1);
    const auto are_whole = gunzip.read_both({bytes, other}, {bytes, less});
    require(!are_whole[0] || other == whole);
    require(!are_whole[1] || std::equal(less.begin(), less.end(), whole.begin()));
  });
}

// Statistics and a slice in one plane; which, depends on the size, for there are tables of 65536 keys to fill.
inline void examine(const imaging::Volume& volume) {
  const auto plane = static_cast<imaging::Plane>(volume.voxels.count() % 3);
  const imaging::StatisticsOptions options{.plane = plane, .percentiles = {}, .domain = imaging::EntropyDomain::box};
  const imaging::VolumeStatistics statistics = imaging::SliceStatistician().examine(volume, options);
  for (const double bits : statistics.entropy) require(bits >= 0 && bits <= 8);
  for (const double share : statistics.foreground) require(share >= 0 && share <= 1);
  const std::int64_t index = imaging::slice_count(volume, plane) - 1;
  std::vector<std::uint16_t> pixels(17 * 17);
  imaging::SliceExtractor().extract(volume, {plane, statistics.window, 17}, std::span(&index, 1), pixels);
}

// `values` become those of the volume, if it is small.
inline Verdict read_nifti(std::span<const std::byte> bytes, std::vector<float>& values, bool is_examined) {
  return verdict_of([bytes, &values, is_examined] {
    imaging::NiftiReader reader;
    const io::InputFile file(bytes, "input");
    const imaging::Volume volume = reader.read_single(file, 0);
    const std::int64_t count = volume.voxels.count();
    require(count > 0 && count <= io::kMaxInflation * static_cast<std::int64_t>(bytes.size()));
    require(volume.sha256.size() == 64);
    for (const double mm : imaging::spacing_of(volume.affine)) require(mm > 0);
    if (count > kMaxExamined) return;
    values.resize(static_cast<std::size_t>(count));
    imaging::read_canonical(volume, values);
    if (is_examined) examine(volume);
  });
}

// A plain file is read packed too: the same must come of it.
inline Verdict run_nifti(std::span<const std::byte> bytes) {
  std::vector<float> values, unpacked;
  const Verdict verdict = read_nifti(bytes, values, true);
  if (io::is_gzip(bytes)) return verdict;
  require(read_nifti(gzip_image(bytes), unpacked, false) == verdict && unpacked.size() == values.size());
  require(values.empty() || std::memcmp(values.data(), unpacked.data(), values.size() * sizeof(float)) == 0);
  return verdict;
}

}  // namespace gyrus::fuzz
