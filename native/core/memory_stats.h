// Process-wide count of the bytes the engine holds, by kind of memory. `memory()` in JS reads it; every test ends at 0.
#pragma once

#include <cstdint>

namespace gyrus {

enum class MemoryKind : std::uint8_t { host, pinned, device };

struct MemoryStats {
  std::int64_t host_bytes, pinned_bytes, device_bytes;
  std::int64_t peak_host_bytes, peak_pinned_bytes, peak_device_bytes;
};

MemoryStats memory_stats() noexcept;
// Called by the RAII buffers only. `bytes` is negative on release.
void count_memory(MemoryKind kind, std::int64_t bytes) noexcept;

}  // namespace gyrus
