// A compiled graph: prepared kernels with bound pointers over one planned arena. Compile once, run many times; running
// allocates nothing and looks nothing up by name.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backend/backend.h"
#include "core/aligned_buffer.h"
#include "memory/plan_intervals.h"
#include "runtime/device_run.h"
#include "runtime/parameter_store.h"
#include "runtime/poison.h"

namespace gyrus::runtime {

struct ProgramOptions {
  bool has_constant_parameters = false;  // inference: weights are packed once, not at every run
  // Outputs that must be finite before an optimizer may update: the losses.
  std::vector<std::string> guarded_outputs = {};
  // Tests: freed memory is filled with NaN, guards between blocks are checked. Not where the host cannot read it.
  bool is_poisoned = false;
};

// Time of one kernel, and what it had to do at least: for profiles.
struct KernelTime {
  std::string name;
  graph::OpKind kind{};
  double seconds = 0;
  graph::Work work;
  backend::Way way = {};
};

// How a run ended. `non_finite`: a guarded output was NaN or infinite, and nothing was updated.
enum class RunEnd : std::uint8_t { done, stopped, non_finite };

class Program {
 public:
  // `graph` must have been through the passes. The store must outlive the program.
  static std::unique_ptr<Program> compile(const graph::Graph& graph, const backend::Backend& backend,
                                          ParameterStore& store, const ProgramOptions& options = {});

  // Runs every kernel in order. `inputs`: one pointer a graph input, in the order of the graph's sources; row-major, in
  // the input's dtype; nullptr for images that a feed writes. `stop`, when set from another thread, ends run() between
  // two kernels (on a device: before the first). `times`, if not null, gets an entry for each kernel that ran (on a
  // device: waiting for each).
  // `prefetched`: what prefetch() gave for these inputs, or 0.
  RunEnd run(std::span<const void* const> inputs, const backend::Hyper& hyper, const std::atomic<bool>* stop = nullptr,
             std::vector<KernelTime>* times = nullptr, std::uint64_t prefetched = 0);

  // On a device: `call` is called while a run computes there, before the caller waits for it, and must not throw. It
  // may prefetch() the images of the next run, the first inputs, which must stay as they are until then; 0 where there
  // is nothing to gain. A program may take what another one of the same images has sent.
  void while_waiting(std::function<void()> call) { while_waiting_ = std::move(call); }
  std::uint64_t prefetch(std::span<const void* const> images);
  void share_prefetch(Program& other);

  // Runs the kernels before the first update once more and names the first thing that holds NaN or infinity: an input,
  // a parameter, a momentum copy, or a kernel's output; "" if there is none. Changes running statistics, not weights.
  std::string first_non_finite(std::span<const void* const> inputs, const backend::Hyper& hyper);

  // On a device: what the network reads of an image input, [N, H, W, C] in the network's precision, by its number among
  // them; and what writes it there where the host brings no image.
  struct NetworkInput {
    void* data = nullptr;
    DType dtype = DType::f32;
  };
  NetworkInput network_input(std::size_t number) const;
  void set_feed(std::unique_ptr<InputFeed> feed);

  // Reads a marked output (f32, or f64 in the reference backend, row-major) as it was left by the last run.
  const void* output(std::string_view name) const;
  const Shape& output_shape(std::string_view name) const;

  std::int64_t arena_bytes() const { return placement_.peak_bytes; }
  const memory::Placement& placement() const { return placement_; }
  std::size_t kernel_count() const { return steps_.size(); }

 private:
  // Memory of floats, and what to call it when it holds NaN.
  struct Checked {
    std::string name;
    const void* data = nullptr;
    std::int64_t elements = 0;
    DType dtype = DType::f32;
  };
  struct Step {
    std::string name;
    graph::OpKind kind{};
    graph::Work work;
    backend::Way way;
    std::unique_ptr<backend::Kernel> kernel;
    std::vector<void*> in, out;
    void* scratch = nullptr;
    std::vector<std::pair<std::size_t, std::size_t>> input_slots;  // (position in `in`, which program input)
    bool is_prologue = false;
    bool is_update = false;      // reads the gradients: gathers them, or changes the parameters by them
    bool is_optimizer = false;   // changes the parameters
    bool is_ema_update = false;  // of the momentum copies
    int image = -1;              // on a device: which image input it turns into what the network reads
    std::vector<Checked> checked;
    Poison poison;  // empty unless the options ask for it
  };
  struct Output {
    std::string name;
    Shape shape;
    const void* data = nullptr;
  };

  friend class ProgramBuilder;  // program_builder.cpp: everything that happens at compile time
  Program(ParameterStore& store, const ProgramOptions& options) : store_(store), options_(options) {}
  void bind(Step& step);
  void rebind_inputs(std::span<const void* const> inputs);
  static bool belongs_to(backend::StepPart part, const Step& step);
  bool is_guard_finite() const;
  void take_inputs(std::span<const void* const> inputs, const backend::Hyper& hyper);
  bool is_bad(const Checked& block) const;
  // program_device.cpp: the same run where kernels only enqueue.
  RunEnd run_on_device(std::span<const void* const> inputs, const backend::Hyper& hyper, const std::atomic<bool>* stop,
                       std::vector<KernelTime>* times, std::uint64_t prefetched);
  void enqueue(backend::StepPart part, std::vector<KernelTime>* times);
  void run_step(Step& step);
  void run_on_image(Step& step);
  const Step& step_of_image(std::size_t number) const;
  bool is_fed_image_bad(std::size_t number);

  ParameterStore& store_;
  ProgramOptions options_;
  backend::Hyper hyper_;
  AlignedBuffer arena_;
  memory::Placement placement_;
  std::vector<Step> steps_;
  std::vector<const void*> inputs_;
  std::vector<Checked> checked_inputs_;  // their pointers are the caller's
  std::vector<Output> outputs_;
  std::vector<const float*> guarded_;
  std::uint64_t prologue_version_ = ~std::uint64_t{0};
  std::unique_ptr<DeviceRun> device_;  // null where kernels work in the host's memory
  std::function<void()> while_waiting_;
};

}  // namespace gyrus::runtime
