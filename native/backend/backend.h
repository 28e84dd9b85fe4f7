// What a backend must do: turn a graph into prepared kernels. Who calls it: runtime/program. Three implementations:
// reference/ (naive f64, the oracle), cpu/ (oneDNN + Highway), cuda/ (cuDNN, cuBLASLt, own kernels).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "backend/hyper.h"
#include "core/dtype.h"
#include "graph/graph.h"
#include "graph/op_def.h"

namespace gyrus::backend {

// One parameter's place in the flat arenas. Offsets count elements; every segment starts at a multiple of 64 bytes and
// the gaps hold zeros.
struct Segment {
  std::int64_t offset = 0, count = 0;
  bool has_weight_decay = true;
  bool has_lars_adaptation = true;
  float lr_scale = 1;  // its learning rate is Hyper's times this: layer-wise decay
};

// The store's flat arenas, as the optimizers' sweeps see them. All of them use the offsets of `segments`.
// [0, trainable_count) is what the optimizer updates; [0, ema_count) has a momentum encoder's copy.
struct ArenaView {
  void *parameters = nullptr, *gradients = nullptr, *accumulator = nullptr, *slot0 = nullptr, *slot1 = nullptr,
       *ema = nullptr;
  std::int64_t trainable_count = 0, ema_count = 0;
  std::span<const Segment> segments;  // the trainable ones, in order of offset
};

struct KernelArgs {
  std::span<void*const> in, out;  // in the order of LoweredStep::reads / writes
  void* scratch = nullptr;        // 64-byte aligned (256 on a device), scratch_bytes() long
  const Hyper* hyper = nullptr;
  ArenaView arenas;
};

// A prepared operation. bind() stores pointers (it may be called again when an input moved); run() allocates nothing,
// looks nothing up, and is called from one thread at a time.
class Kernel {
 public:
  virtual ~Kernel() = default;
  virtual std::int64_t scratch_bytes() const { return 0; }
  virtual void bind(const KernelArgs& args) = 0;
  virtual void run() = 0;
};

// A block of memory that a step reads or writes: a graph value, or something of the backend's own (packed weights).
struct LoweredValue {
  std::string name;
  std::int64_t bytes = 0;
  graph::ValueId source;  // invalid for the backend's own blocks
};

// Which of a backend's ways computes an operation, where it has several ("cudnn", "columns", "own").
struct Way {
  std::string name = {};
  std::string why = {};     // it was taken; "" where nothing else was thought of
  bool is_refused = false;  // a faster one was asked for and could not be had: `why` quotes the library
  bool is_timed = false;    // it was taken because it was the faster of two: `why` says what was measured, and when
};

struct LoweredStep {
  std::string name;  // "conv2d view1/layer1.0.conv1"
  graph::OpKind kind{};
  graph::Work work;                // what it costs at least
  std::vector<int> reads, writes;  // indices into LoweredGraph::values
  struct Share {
    int write, read;  // positions in writes and reads: the write may take the read's memory (same bytes, last reader)
  };
  std::vector<Share> may_share;
  std::unique_ptr<Kernel> kernel;
  // True when all it reads are parameters, buffers or blocks made from them alone: a Program over constant parameters
  // runs it once instead of at every run (packing of weights).
  bool is_prologue = false;
  Way way;
};

struct LoweredGraph {
  std::vector<LoweredValue> values;
  std::vector<LoweredStep> steps;  // in execution order
};

struct Capabilities {
  std::string name;            // "cpu", "cuda", "reference"
  bool has_bf16 = false;       // computes bf16 at a useful speed
  DType storage = DType::f32;  // element type of the parameter arenas (f64 for the reference backend)
  int threads = 1;             // how many threads its kernels use
  std::string detail = {};     // which device it is, in words
};

class DeviceQueue;  // device_queue.h

class Backend {
 public:
  virtual ~Backend() = default;
  virtual Capabilities describe() const = 0;
  // Null: kernels read and write the host's memory, and run() returns when it is done. Else they only enqueue, all
  // their pointers are the device's, and a Program moves data in and out.
  virtual std::shared_ptr<DeviceQueue> queue() const { return nullptr; }
  // `graph` is already scheduled: nodes are lowered in order. Inputs and outputs of the caller are plain row-major
  // arrays in the value's dtype (f64 in the reference backend).
  virtual LoweredGraph lower(const graph::Graph& graph) const = 0;
};

std::unique_ptr<Backend> make_reference_backend();
// `threads` <= 0: all that the machine gives this process. Throws Code::precision_unsupported never; describe() tells.
std::unique_ptr<Backend> make_cpu_backend(int threads);
// The first GPU that CUDA_VISIBLE_DEVICES lets this process see. Throws Code::cuda_unavailable: what was found, what is
// needed, and where libraries were looked for.
std::unique_ptr<Backend> make_cuda_backend();
bool is_cuda_compiled() noexcept;

}  // namespace gyrus::backend
