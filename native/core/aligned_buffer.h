// Host memory, 64-byte aligned (2 MiB and huge-page advice for large blocks), counted, freed by its destructor.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

namespace gyrus {

struct ReleaseAligned {
  std::int64_t bytes = 0;
  std::int64_t mapped_bytes = 0;  // of pages from the system; 0: from the heap
  void operator()(void* memory) const noexcept;
};

class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  // Contents are unspecified. Throws Code::out_of_memory naming the size. `bytes` may be 0.
  explicit AlignedBuffer(std::int64_t bytes);
  // All bits zero. Large blocks come so from the system and are touched only when they are used.
  static AlignedBuffer zeros(std::int64_t bytes);

  void* data() const { return memory_.get(); }
  template <class T>
  T* as() const {
    return static_cast<T*>(memory_.get());
  }
  std::int64_t bytes() const { return memory_ ? memory_.get_deleter().bytes : 0; }

 private:
  std::unique_ptr<void, ReleaseAligned> memory_;
};

}  // namespace gyrus
