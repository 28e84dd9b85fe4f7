// Memory of volumes, shared by all readers of a run: fresh pages for every volume would cost a tenth of the time that
// inflating it takes, and buffers that each reader kept to itself would add up with the number of readers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "core/aligned_buffer.h"

namespace gyrus::imaging {

struct PoolLimits {
  // Bytes up to which idle buffers are kept, those in use counted.
  std::int64_t keep = 0;
  // Bytes that one volume may take. The pool only says so: see BufferPool::check().
  std::int64_t most = std::numeric_limits<std::int64_t>::max();
};

// Buffers that are in use by turns. Thread-safe.
class BufferPool {
 public:
  explicit BufferPool(PoolLimits limits = {}) : limits_(limits) {}

  // A buffer of at least `bytes` and little more; contents are unspecified. Throws Code::out_of_memory.
  AlignedBuffer take(std::int64_t bytes);
  void give(AlignedBuffer buffer);
  // Frees what is idle.
  void clear();
  // Throws Code::out_of_memory naming `label` for a volume of more bytes than one may take.
  void check(std::int64_t bytes, std::string_view label) const;

 private:
  void free_idle(std::int64_t most);

  const PoolLimits limits_;
  std::mutex mutex_;
  std::vector<AlignedBuffer> idle_;  // guarded by mutex_, as what follows
  std::int64_t held_ = 0;            // bytes, idle or in use
};

// What a reader holds of the pool from one volume to the next.
class ReusedBuffer {
 public:
  explicit ReusedBuffer(std::shared_ptr<BufferPool> pool) : pool_(std::move(pool)) {}
  ~ReusedBuffer() { release(); }
  ReusedBuffer(const ReusedBuffer&) = delete;
  ReusedBuffer& operator=(const ReusedBuffer&) = delete;

  // Contents are unspecified; what was taken before is gone. Throws Code::out_of_memory.
  std::span<std::byte> take(std::int64_t bytes);
  void release();

 private:
  std::shared_ptr<BufferPool> pool_;
  AlignedBuffer buffer_;
};

}  // namespace gyrus::imaging
