// Runs CUDA kernels on the host, to prove their arithmetic and their indexing where there is no GPU. A file that
// includes this header and then a .cu file has the kernel's launchers in the namespace backend::emulated_cuda, beside
// which backend::cuda, with the real ones, may live in the same binary. The same goes for what calls launchers
// (cuda/ops).
//
// Blocks run one after the other; a block's threads are fibers that wait for one another where the kernel says so. What
// it finds, as an Error of Code::internal that names the kernel, the block and the thread:
//   - shared arrays: an index out of bounds, reading what was never written, and two threads that touch one element,
//   one
//     of them writing, with no sync() in between (under any order: accesses are recorded, not raced);
//   - a barrier or a warp operation that some threads do not reach, or reach at another place;
//   - a vector access whose address is not a multiple of its size.
// Threads and blocks also run in the order that set_order() chooses: what depends on it, through global memory for
// example, differs from one order to the next. Global memory is the caller's: under AddressSanitizer an access out of
// the bounds of a heap block is an error of its own.
// Not emulated: time, caches, the weak order in which other threads see global writes, and what nvcc makes of the code.
#pragma once

#define GYRUS_EMULATES_CUDA 1
#define cuda emulated_cuda  // NOLINT(readability-identifier-naming)

#include <cstdint>
#include <cstring>

#include "backend/cuda/kernels/stream.h"
#include "core/dtype.h"
#include "core/error.h"
#include "tests/cuda/fibers.h"

#define GYRUS_DEVICE inline
#define GYRUS_SHARED(type, name, count) const auto name = thread.template shared<type>(count, #name)
#define GYRUS_UNROLL

namespace gyrus::backend::cuda {

using tests::emulation::Block;
using tests::emulation::Order;
using tests::emulation::set_order;

struct Grid {
  std::int64_t x = 1, y = 1;
};

// An element of a shared array; reads and writes are recorded.
template <class T>
class SharedElement {
 public:
  SharedElement(Block& block, int array, std::int64_t at) : block_(block), array_(array), at_(at) {}
  operator T() const {  // NOLINT(google-explicit-constructor)
    T value;
    std::memcpy(&value, block_.read_shared(array_, at_), sizeof value);
    return value;
  }
  const SharedElement& operator=(T value) const {
    std::memcpy(block_.write_shared(array_, at_), &value, sizeof value);
    return *this;
  }
  const SharedElement& operator=(const SharedElement& other) const { return *this = static_cast<T>(other); }
  const SharedElement& operator+=(T value) const { return *this = static_cast<T>(*this) + value; }

 private:
  Block& block_;
  int array_;
  std::int64_t at_;
};

template <class T>
class SharedArray {
 public:
  SharedArray(Block& block, int array) : block_(block), array_(array) {}
  SharedElement<T> operator[](std::int64_t at) const { return {block_, array_, at}; }

 private:
  Block& block_;
  int array_;
};

class Thread {
 public:
  Thread(Block& block, int index) : block_(block), index_(index) {}

  int index() const { return index_; }
  std::int64_t block() const { return block_.x(); }
  std::int64_t block_y() const { return block_.y(); }
  int lane() const { return index_ % 32; }
  int warp() const { return index_ / 32; }
  // `line`: the caller's. (std::source_location, which says the same, is more than clang-tidy 14 knows.)
  void sync(std::uint32_t line = __builtin_LINE()) const { block_.wait_for_block(line); }

  template <class T>
  T warp_sum(T value, std::uint32_t line = __builtin_LINE()) const {
    return over_lanes<16>(value, line, [](T a, T b) { return a + b; });
  }
  float warp_max(float value, std::uint32_t line = __builtin_LINE()) const {
    return over_lanes<16>(value, line, [](float a, float b) { return a > b || b != b ? a : b; });
  }
  float quad_sum(float value, std::uint32_t line = __builtin_LINE()) const {
    return over_lanes<2>(value, line, [](float a, float b) { return a + b; });
  }
  float quad_max(float value, std::uint32_t line = __builtin_LINE()) const {
    return over_lanes<2>(value, line, [](float a, float b) { return a > b || b != b ? a : b; });
  }
  // What all lanes of the warp hold.
  template <class T>
  void exchange(const T& value, T (&values)[32], std::uint32_t line) const {
    static_assert(sizeof(T) <= sizeof(double));
    double lanes[32];
    block_.exchange(&value, sizeof value, lanes, line);
    for (int i = 0; i < 32; ++i) std::memcpy(&values[i], &lanes[i], sizeof(T));
  }
  template <class T>
  SharedArray<T> shared(std::int64_t count, const char* name) const {
    return {block_, block_.shared_array(name, count, sizeof(T))};
  }

 private:
  // The butterfly of __shfl_xor_sync: pairs `kFarthest` apart first.
  template <int kFarthest, class T, class Join>
  T over_lanes(T value, std::uint32_t line, const Join& join) const {
    T values[32], next[32];
    exchange(value, values, line);
    for (int apart = kFarthest; apart > 0; apart /= 2) {
      for (int i = 0; i < 32; ++i) next[i] = join(values[i], values[i ^ apart]);
      std::memcpy(values, next, sizeof values);
    }
    return values[lane()];
  }

  Block& block_;
  int index_;
};

template <class Kernel>
void launch(Stream, Grid grid, const Kernel& kernel) {
  GYRUS_CHECK(grid.x <= 0x7fffffff && grid.y <= 65535, Code::internal, Kernel::kName, ": a grid of ", grid.x, " x ",
              grid.y, " blocks is more than CUDA has");
  const auto run = [](const void* what, Block& block, int index) {
    (*static_cast<const Kernel*>(what))(Thread(block, index));
  };
  tests::emulation::run_grid({Kernel::kName, grid.x, grid.y, Kernel::kThreads, Kernel::kIsCooperative, run, &kernel});
}

inline void set_rounded(float& to, float value) { to = value; }
inline void set_rounded(bf16_t& to, float value) { to = to_bf16(value); }

template <class Chunk>
Chunk load_chunk(const void* from) {
  tests::emulation::check_aligned(from, alignof(Chunk));
  Chunk chunk;
  std::memcpy(&chunk, from, sizeof chunk);
  return chunk;
}
template <class Chunk>
void store_chunk(void* to, const Chunk& chunk) {
  tests::emulation::check_aligned(to, alignof(Chunk));
  std::memcpy(to, &chunk, sizeof chunk);
}

}  // namespace gyrus::backend::cuda
