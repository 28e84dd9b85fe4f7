// The queue that a launcher puts its kernels into, without CUDA's headers. The contract of every header of this folder:
//
//   void <op>_forward(Stream, const <Op>Args&)  or  void <op>_backward(…), <op>_update(…)
//
// - Args hold raw device pointers, extents (std::int64_t), DType for the activations' element type, and attributes by
//   value. Layouts are those of graph/ops.h: row-major, images [N, H, W, C], tokens [N, T, D]. Parameters, statistics
//   and parameter gradients are f32. A pointer of an optional operand is null where the operand is absent.
// - Pointers are 64-byte aligned unless a header says otherwise; counts may be anything, tails included.
// - A launcher only enqueues: it allocates nothing, waits for nothing, and works inside stream capture. It throws
//   Code::internal when a launch is refused.
// - A kernel that needs scratch memory declares `std::int64_t <op>_scratch_bytes(const Args&)`, and Args hold `void*
//   scratch`. Its contents are unspecified at the start.
// - Per-step numbers are read on the device from `const backend::Hyper*` (backend/hyper.h); gradient_accumulate and the
//   three optimizer updates change nothing when its may_update is 0.
// - Grids and the order of every sum follow from the shapes alone: the same inputs give the same bits at every run and
//   on every GPU. No atomics.
//
// The same files compile as host code too, through an emulation of blocks and threads: tests/cuda/emulator.h.
#pragma once

struct CUstream_st;  // cudaStream_t is a pointer to it

namespace gyrus::backend::cuda {

using Stream = CUstream_st*;

}  // namespace gyrus::backend::cuda
