#include "core/aligned_buffer.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "core/error.h"
#include "core/memory_stats.h"

namespace gyrus {
namespace {

constexpr std::int64_t kCacheLine = 64;
constexpr std::int64_t kHugePage = std::int64_t{2} << 20;

// Pages from the system, which are zero, at a multiple of a huge page; null when it has none. `bytes` is a multiple
// too.
void* map_pages(std::int64_t bytes) {
  const auto size = static_cast<std::size_t>(bytes), huge = static_cast<std::size_t>(kHugePage);
  void* const taken = mmap(nullptr, size + huge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (taken == MAP_FAILED) return nullptr;
  auto* const begin = static_cast<std::byte*>(taken);
  const std::size_t before = (huge - reinterpret_cast<std::uintptr_t>(taken) % huge) % huge;
  if (before > 0) (void)munmap(begin, before);
  (void)munmap(begin + before + size, huge - before);
  // Fewer page faults on first touch and fewer TLB misses after it; a refusal costs nothing.
  (void)madvise(begin + before, size, MADV_HUGEPAGE);
  return begin + before;
}

}  // namespace

AlignedBuffer::AlignedBuffer(std::int64_t bytes) {
  GYRUS_CHECK(bytes >= 0, Code::invalid_argument, "a buffer cannot have ", bytes, " bytes");
  if (bytes == 0) return;
  const bool is_mapped = bytes >= 4 * kHugePage;
  const std::int64_t align = is_mapped ? kHugePage : kCacheLine;
  const std::int64_t rounded = (bytes + align - 1) / align * align;
  void* const memory = is_mapped
                           ? map_pages(rounded)
                           : std::aligned_alloc(static_cast<std::size_t>(align), static_cast<std::size_t>(rounded));
  GYRUS_CHECK(memory != nullptr, Code::out_of_memory, "the system refused ", bytes,
              " bytes of host memory; use a smaller batch or micro-batch");
  memory_ = std::unique_ptr<void, ReleaseAligned>(memory, ReleaseAligned{bytes, is_mapped ? rounded : 0});
  count_memory(MemoryKind::host, bytes);
}

AlignedBuffer AlignedBuffer::zeros(std::int64_t bytes) {
  AlignedBuffer buffer(bytes);
  const bool is_mapped = bytes > 0 && buffer.memory_.get_deleter().mapped_bytes > 0;
  if (bytes > 0 && !is_mapped) std::memset(buffer.data(), 0, static_cast<std::size_t>(bytes));
  return buffer;
}

void ReleaseAligned::operator()(void* memory) const noexcept {
  if (mapped_bytes > 0) {
    (void)munmap(memory, static_cast<std::size_t>(mapped_bytes));
  } else {
    // NOLINTNEXTLINE(cppcoreguidelines-no-malloc,cppcoreguidelines-owning-memory): what the constructor allocated
    std::free(memory);
  }
  count_memory(MemoryKind::host, -bytes);
}

}  // namespace gyrus
