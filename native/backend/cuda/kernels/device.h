// The vocabulary that kernels are written in. A kernel is a struct: its members are the arguments, by value, and its
// operator() is what one thread does. nvcc makes a __global__ function of it (below); on the host an emulator that the
// tests include beforehand calls it for every thread of every block (tests/cuda/emulator.h).
//
//   struct Kernel {
//     static constexpr const char* kName = "relu";   // for messages
//     static constexpr int kThreads = 256;           // of a block, a multiple of 32
//     static constexpr bool kIsCooperative = false;  // whether threads wait for one another: sync(), warp_sum(), …
//     GYRUS_DEVICE void operator()(const Thread& thread) const;
//   };
//
// Blocks are one-dimensional, grids have one or two axes. GYRUS_SHARED(type, name, count) declares an array that the
// block's threads share, at a multiple of 16 bytes, unspecified at the start.
#pragma once

#include <cstdint>
#include <cstring>

#include "backend/cuda/kernels/stream.h"
#include "core/dtype.h"
#include "core/error.h"
#include "math/pack_scalar.h"

#ifndef GYRUS_EMULATES_CUDA
#include <cuda_bf16.h>
#include <cuda_runtime.h>

#define GYRUS_DEVICE __device__ __forceinline__
#define GYRUS_SHARED(type, name, count) __shared__ __align__(16) type name[count]
#define GYRUS_UNROLL _Pragma("unroll")

namespace gyrus::backend::cuda {

struct Grid {
  std::int64_t x = 1, y = 1;  // y at most 65535
};

class Thread {
 public:
  __device__ int index() const { return static_cast<int>(threadIdx.x); }
  __device__ std::int64_t block() const { return blockIdx.x; }
  __device__ std::int64_t block_y() const { return blockIdx.y; }
  __device__ int lane() const { return static_cast<int>(threadIdx.x) % 32; }
  __device__ int warp() const { return static_cast<int>(threadIdx.x) / 32; }
  // All threads of the block must come here; what they wrote before, all see afterwards.
  __device__ void sync() const { __syncthreads(); }
  // Over the 32 threads of a warp, all of which must come here; every thread gets the result. Pairs 16 apart first.
  template <class T>
  __device__ T warp_sum(T value) const {
    for (int apart = 16; apart > 0; apart /= 2) value += __shfl_xor_sync(0xffffffffU, value, apart);
    return value;
  }
  // NaNs are passed over.
  __device__ float warp_max(float value) const {
    for (int apart = 16; apart > 0; apart /= 2) value = fmaxf(value, __shfl_xor_sync(0xffffffffU, value, apart));
    return value;
  }
  // Over four neighbours, the first of which is a multiple of four; all threads of the warp must come here.
  __device__ float quad_sum(float value) const {
    for (int apart = 2; apart > 0; apart /= 2) value += __shfl_xor_sync(0xffffffffU, value, apart);
    return value;
  }
  __device__ float quad_max(float value) const {
    for (int apart = 2; apart > 0; apart /= 2) value = fmaxf(value, __shfl_xor_sync(0xffffffffU, value, apart));
    return value;
  }
};

template <class Kernel>
__global__ void __launch_bounds__(Kernel::kThreads) run_kernel(const __grid_constant__ Kernel kernel) {
  kernel(Thread{});
}

template <class Kernel>
void launch(Stream stream, Grid grid, const Kernel& kernel) {
  static_cast<void>(Kernel::kIsCooperative);  // the emulator asks
  if (grid.x == 0 || grid.y == 0) return;
  GYRUS_CHECK(grid.x <= 0x7fffffff && grid.y <= 65535, Code::internal, Kernel::kName, ": a grid of ", grid.x, " x ",
              grid.y, " blocks is more than CUDA has");
  const dim3 blocks(static_cast<unsigned>(grid.x), static_cast<unsigned>(grid.y));
  run_kernel<Kernel><<<blocks, Kernel::kThreads, 0, stream>>>(kernel);
  const cudaError_t status = cudaGetLastError();
  GYRUS_CHECK(status == cudaSuccess, Code::internal, Kernel::kName, " could not be launched on ", grid.x, " x ", grid.y,
              " blocks of ", Kernel::kThreads, " threads: ", cudaGetErrorString(status));
}

// Rounding to nearest even, as core/dtype.h has it.
__device__ __forceinline__ void set_rounded(float& to, float value) { to = value; }
__device__ __forceinline__ void set_rounded(bf16_t& to, float value) {
  to.bits = __bfloat16_as_ushort(__float2bfloat16_rn(value));
}

// 16 bytes from or to an address that is a multiple of 16; fewer for smaller types.
template <class Chunk>
__device__ __forceinline__ Chunk load_chunk(const void* from) {
  return *static_cast<const Chunk*>(from);
}
template <class Chunk>
__device__ __forceinline__ void store_chunk(void* to, const Chunk& chunk) {
  *static_cast<Chunk*>(to) = chunk;
}

}  // namespace gyrus::backend::cuda
#endif

namespace gyrus::backend::cuda {

using Scalar = math::ScalarPack<float>;

GYRUS_DEVICE float as_float(float value) { return value; }
GYRUS_DEVICE float as_float(bf16_t value) { return to_float(value); }

// What a T holds of a number.
template <class T>
GYRUS_DEVICE float rounded(float value) {
  T stored;
  set_rounded(stored, value);
  return as_float(stored);
}

// Elements that one memory access moves: 16 bytes of them.
template <class T>
inline constexpr int kVector = static_cast<int>(16 / sizeof(T));

// N elements in registers, as f32.
template <int N>
struct Values {
  float at[N];
};

// What one access moves: at most 16 bytes.
template <class T, int N>
struct alignas(sizeof(T) * N) Chunk {
  T at[N];
};
template <class T, int N>
inline constexpr int kAccess = N < kVector<T> ? N : kVector<T>;

// N neighbouring elements; the address is a multiple of their size, or of 16 bytes where that is less.
template <int N, class T>
GYRUS_DEVICE Values<N> load(const T* from) {
  constexpr int kEach = kAccess<T, N>;
  Values<N> values;
  GYRUS_UNROLL
  for (int first = 0; first < N; first += kEach) {
    const auto chunk = load_chunk<Chunk<T, kEach>>(from + first);
    GYRUS_UNROLL
    for (int i = 0; i < kEach; ++i) values.at[first + i] = as_float(chunk.at[i]);
  }
  return values;
}

template <int N, class T>
GYRUS_DEVICE void store(T* to, const Values<N>& values) {
  constexpr int kEach = kAccess<T, N>;
  GYRUS_UNROLL
  for (int first = 0; first < N; first += kEach) {
    Chunk<T, kEach> chunk;
    GYRUS_UNROLL
    for (int i = 0; i < kEach; ++i) set_rounded(chunk.at[i], values.at[first + i]);
    store_chunk(to + first, chunk);
  }
}

// N results f(0), f(1), …
template <int N, class Function>
GYRUS_DEVICE Values<N> make_values(const Function& function) {
  Values<N> values;
  GYRUS_UNROLL
  for (int i = 0; i < N; ++i) values.at[i] = function(i);
  return values;
}

inline std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

// A number that a lambda gets as a type.
template <int N>
struct Width {
  static constexpr int value = N;
};

// Calls visit(Width<N>{}): N elements fill an access where `extent` divides into such, else N is 1.
template <class T, class Visit>
void for_width(std::int64_t extent, const Visit& visit) {
  if (extent % kVector<T> == 0) return visit(Width<kVector<T>>{});
  visit(Width<1>{});
}

// Calls visit(float{}) or visit(bf16_t{}).
template <class Visit>
void for_dtype(DType dtype, const Visit& visit) {
  if (dtype == DType::bf16) return visit(bf16_t{});
  GYRUS_CHECK(dtype == DType::f32, Code::internal, "CUDA kernels compute f32 and bf16, not ", name_of(dtype));
  visit(float{});
}

}  // namespace gyrus::backend::cuda
