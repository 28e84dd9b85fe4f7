// Memory of volumes: what is used again, what is freed, and what is said of files before they are opened.
#include "imaging/buffer_pool.h"

#include <memory>
#include <string>
#include <vector>

#include "core/memory_stats.h"
#include "imaging/volume_reader.h"
#include "io/npy.h"
#include "tests/harness/suites.h"
#include "tests/imaging/nifti_image.h"
#include "tests/io/hdf5_golden.h"
#include "tests/io/scratch.h"

namespace gyrus::tests::suites {
namespace {

using imaging::BufferPool;
using imaging::ReusedBuffer;
using imaging::VolumeReader;

constexpr std::int64_t kMb = std::int64_t{1} << 20;

std::shared_ptr<BufferPool> pool_of(std::int64_t keep, std::int64_t most = std::int64_t{1} << 40) {
  return std::make_shared<BufferPool>(imaging::PoolLimits{.keep = keep, .most = most});
}

void test_pool(Suite& suite) {
  suite.test("idle buffers serve what is about their size, and are freed beyond the limit", [](Check& check) {
    const std::int64_t before = memory_stats().host_bytes;
    const auto held = [before] { return memory_stats().host_bytes - before; };
    const auto pool = pool_of(32 * kMb);
    ReusedBuffer first(pool), second(pool);
    const void* const memory = first.take(10 * kMb).data();
    first.release();
    check.that(second.take(9 * kMb).data() == memory, "of about the size");
    check.that(first.take(9 * kMb).data() != memory, "never one that is in use");
    check.that(first.take(9 * kMb + 1).data() == first.take(9 * kMb).data(), "the same reader goes on with its own");
    second.release();
    check.that(second.take(2 * kMb).data() != memory, "not for what is much less");
    first.release();
    second.release();
    check.that(held() >= 20 * kMb, "kept: ", held());
    first.take(24 * kMb);
    check.that(held() <= 32 * kMb, "room was made: ", held());
    second.take(20 * kMb);
    check.that(held() >= 44 * kMb, "what is in use is not limited");
    second.release();
    check.that(held() <= 32 * kMb, "and freed after it: ", held());
    first.release();
  });
  suite.test("readers of one pool share its memory, and a closed one holds none", [](Check& check) {
    const ScratchFolder folder;
    io::write_npy(folder.path("a.npy"), Shape{64, 64, 64}, std::vector<float>(64 * 64 * 64));
    const std::int64_t before = memory_stats().host_bytes;
    {
      const auto pool = pool_of(0);
      VolumeReader reader(pool);
      reader.open_npy(folder.path("a.npy"));
      check.that(memory_stats().host_bytes - before >= kMb, "held while it is open");
      reader.close();
      check.equal(memory_stats().host_bytes, before, "after it was closed");
      check.throws(Code::invalid_argument, "nothing is open", [&] { reader.volume(); });
    }
  });
}

void test_announced(Suite& suite) {
  suite.test("what a file says of its size before it is read", [](Check& check) {
    const ScratchFolder folder;
    NiftiImage image(1, false);
    image.set_type(4);
    image.set_extents<3>({30, 20, 10});
    // Stored along other axes than they are looked at.
    image.set_codes(0, 1);
    image.set_sform({0, 0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 0});
    for (int i = 0; i < 6000; ++i) image.append(static_cast<std::int16_t>(i));
    write_bytes(folder.path("v.nii"), image.bytes());
    const std::string packed = gzip_image(image.bytes());
    write_bytes(folder.path("v.nii.gz"), packed);
    io::write_npy(folder.path("v.npy"), Shape{4, 2, 3}, std::vector<float>(24));
    VolumeReader reader;
    const imaging::Announced plain = reader.announced_nifti(folder.path("v.nii"), 0);
    check.that(plain.bytes >= 12000 && plain.bytes <= 12100, "plain: ", plain.bytes);
    check.that(plain.extents == imaging::Extents3({10, 30, 20}), "in canonical order");
    const imaging::Announced both = reader.announced_nifti(folder.path("v.nii.gz"), 0);
    check.that(both.bytes >= static_cast<std::int64_t>(12000 + packed.size()), "packed and unpacked: ", both.bytes);
    check.equal(reader.announced_npy(folder.path("v.npy")).bytes, std::int64_t{96}, ".npy");
    const imaging::Announced images = reader.announced_fastmri(hdf5_golden("fastmri"));
    check.that(images.extents == imaging::Extents3({4, 4, 2}) && images.bytes >= 128, "fastMRI: ", images.bytes);
    check.throws(Code::invalid_argument, "no such frame", [&] { reader.announced_nifti(folder.path("v.nii"), 1); });
    write_bytes(folder.path("short.nii"), image.bytes().substr(0, 1000));
    check.throws(Code::file_format, "too short", [&] { reader.announced_nifti(folder.path("short.nii"), 0); });
  });
  suite.test("what one volume may take holds for every kind of file, before and when it is opened", [](Check& check) {
    const ScratchFolder folder;
    io::write_npy(folder.path("v.npy"), Shape{4, 2, 3}, std::vector<float>(24));
    VolumeReader reader(pool_of(0, 90));
    const std::string npy = folder.path("v.npy"), fastmri = hdf5_golden("fastmri");
    check.throws(Code::out_of_memory, ".npy announced", [&] { reader.announced_npy(npy); });
    check.throws(Code::out_of_memory, ".npy opened", [&] { reader.open_npy(npy); });
    check.throws(Code::out_of_memory, "fastMRI announced", [&] { reader.announced_fastmri(fastmri); });
    const std::string message =
        check.throws(Code::out_of_memory, "fastMRI opened", [&] { reader.open_fastmri(fastmri); });
    check.that(message.find(fastmri) != std::string::npos, message);
  });
}

}  // namespace

void imaging_buffer_pool(Suite& suite) {
  test_pool(suite);
  test_announced(suite);
}

}  // namespace gyrus::tests::suites
