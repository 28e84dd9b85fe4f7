#include "imaging/kspace_reader.h"

#include "core/error.h"

namespace gyrus::imaging {
namespace {

constexpr std::int64_t kChunkCopies = 3;  // of a chunk while it is decoded: as stored, and before and after a filter

KspaceFacts facts_of(const FastmriFile& file, const Shape& shape, const std::string& path) {
  GYRUS_CHECK(shape.elements() > 0, Code::shape, path, " has kspace of shape ", shape, ": there is no number in it");
  KspaceFacts facts{.shape = shape, .mask = file.mask(), .header = file.header(), .attributes = file.attributes()};
  GYRUS_CHECK(!facts.mask || static_cast<std::int64_t>(facts.mask->size()) == shape[3], Code::shape, path,
              " has a mask of ", facts.mask ? facts.mask->size() : 0, " numbers, ", shape[3],
              " were expected, one a column of kspace ", shape);
  return facts;
}

}  // namespace

KspaceReader::KspaceReader(const std::string& path, std::int64_t most) : KspaceReader(FastmriFile(path), path, most) {}

KspaceReader::KspaceReader(const FastmriFile& file, const std::string& path, std::int64_t most)
    : kspace_(file.kspace()), facts_(facts_of(file, kspace_.shape(), path)) {
  std::int64_t chunks = 0, bytes = 0;
  const bool fits = !__builtin_mul_overflow(kspace_.chunk_bytes(), kChunkCopies, &chunks) &&
                    !__builtin_mul_overflow(facts_.slice_floats(), std::int64_t{sizeof(float)}, &bytes) &&
                    !__builtin_add_overflow(bytes, chunks, &bytes) && bytes <= most;
  GYRUS_CHECK(fits, Code::out_of_memory, path, " needs ", bytes,
              " bytes of memory for a slice of its k-space with the chunks that hold it, more than ", most,
              "; store it in smaller chunks, or give the process more memory");
}

void KspaceReader::read(std::int64_t slice, std::span<float> out) const {
  GYRUS_CHECK(slice >= 0 && slice < facts_.shape[0], Code::invalid_argument, "there is no slice ", slice,
              "; the k-space has ", facts_.shape[0]);
  kspace_.read_slice(slice, out);
}

}  // namespace gyrus::imaging
