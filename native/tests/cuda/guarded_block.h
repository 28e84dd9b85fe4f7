// A heap block of exactly so many bytes, so that AddressSanitizer sees every access beyond it. Without it, bands of NaN
// on both sides show what was written there, and what was read there mostly becomes a NaN.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>

namespace gyrus::tests::emulation {

class GuardedBlock {
 public:
  explicit GuardedBlock(std::int64_t bytes)
      : size_(static_cast<std::size_t>(bytes)),
        memory_(static_cast<std::byte*>(::operator new (size_ + 2 * kBand, std::align_val_t{64}))) {
    std::fill_n(memory_.get(), size_ + 2 * kBand, std::byte{0xff});
  }

  void* data() const { return memory_.get() + kBand; }
  std::span<std::byte> bytes() const { return {memory_.get() + kBand, size_}; }
  bool is_intact() const {
    const auto is_guard = [](std::byte byte) { return byte == std::byte{0xff}; };
    return std::all_of(memory_.get(), memory_.get() + kBand, is_guard) &&
           std::all_of(memory_.get() + kBand + size_, memory_.get() + 2 * kBand + size_, is_guard);
  }

 private:
#ifdef __SANITIZE_ADDRESS__
  static constexpr std::size_t kBand = 0;
#else
  static constexpr std::size_t kBand = 256;
#endif
  struct Free {
    void operator()(std::byte* memory) const { ::operator delete (memory, std::align_val_t{64}); }
  };
  std::size_t size_;
  std::unique_ptr<std::byte, Free> memory_;
};

}  // namespace gyrus::tests::emulation
