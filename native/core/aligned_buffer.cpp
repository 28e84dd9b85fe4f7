#include "core/aligned_buffer.h"

#include <cstdlib>
#include <cstring>

#include "core/error.h"
#include "core/memory_stats.h"

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace gyrus {
namespace {

constexpr std::int64_t kCacheLine = 64;
constexpr std::int64_t kHugePage = std::int64_t{2} << 20;

}  // namespace

AlignedBuffer::AlignedBuffer(std::int64_t bytes) {
  GYRUS_CHECK(bytes >= 0, Code::invalid_argument, "a buffer cannot have ", bytes, " bytes");
  if (bytes == 0) return;
  const bool is_large = bytes >= 4 * kHugePage;
  const std::int64_t align = is_large ? kHugePage : kCacheLine;
  const std::int64_t rounded = (bytes + align - 1) / align * align;
  void* memory = std::aligned_alloc(static_cast<std::size_t>(align), static_cast<std::size_t>(rounded));
  GYRUS_CHECK(memory != nullptr, Code::out_of_memory, "the system refused ", bytes,
              " bytes of host memory; use a smaller batch or micro-batch");
#if defined(__linux__)
  // Fewer page faults on first touch and fewer TLB misses after it; a refusal costs nothing.
  if (is_large) (void)madvise(memory, static_cast<std::size_t>(rounded), MADV_HUGEPAGE);
#endif
  memory_ = std::unique_ptr<void, ReleaseAligned>(memory, ReleaseAligned{bytes});
  count_memory(MemoryKind::host, bytes);
}

void AlignedBuffer::fill_zero() {
  if (memory_) std::memset(data(), 0, static_cast<std::size_t>(bytes()));
}

void ReleaseAligned::operator()(void* memory) const noexcept {
  std::free(memory);
  count_memory(MemoryKind::host, -bytes);
}

}  // namespace gyrus
