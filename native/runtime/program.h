// A compiled graph: prepared kernels with bound pointers over one planned arena. Compile once, run many times; running
// allocates nothing and looks nothing up by name.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backend/backend.h"
#include "core/aligned_buffer.h"
#include "memory/plan_intervals.h"
#include "runtime/parameter_store.h"
#include "runtime/poison.h"

namespace gyrus::runtime {

struct ProgramOptions {
  bool has_constant_parameters = false;  // inference: weights are packed once, not at every run
  bool is_poisoned = false;              // tests: freed memory is filled with NaN, guards between blocks are checked
};

// Time of one kernel, and what it had to do at least: for profiles.
struct KernelTime {
  std::string name;
  graph::OpKind kind{};
  double seconds = 0;
  graph::Work work;
};

class Program {
 public:
  // `graph` must have been through the passes. The store must outlive the program.
  static std::unique_ptr<Program> compile(const graph::Graph& graph, const backend::Backend& backend,
                                          ParameterStore& store, const ProgramOptions& options = {});

  // Runs every kernel in order. `inputs`: one pointer a graph input, in the order of the graph's sources; row-major, in
  // the input's dtype. `stop`, when set from another thread, makes run() return false between two kernels. `times`, if
  // not null, gets an entry for each kernel that ran.
  bool run(std::span<const void* const> inputs, const backend::Hyper& hyper, const std::atomic<bool>* stop = nullptr,
           std::vector<KernelTime>* times = nullptr);

  // Reads a marked output (f32, or f64 in the reference backend, row-major) as it was left by the last run.
  const void* output(std::string_view name) const;
  const Shape& output_shape(std::string_view name) const;

  std::int64_t arena_bytes() const { return arena_.bytes(); }
  const memory::Placement& placement() const { return placement_; }
  std::size_t kernel_count() const { return steps_.size(); }

 private:
  struct Step {
    std::string name;
    graph::OpKind kind{};
    graph::Work work;
    std::unique_ptr<backend::Kernel> kernel;
    std::vector<void*> in, out;
    void* scratch = nullptr;
    std::vector<std::pair<std::size_t, std::size_t>> input_slots;  // (position in `in`, which program input)
    bool is_prologue = false;
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

  ParameterStore& store_;
  ProgramOptions options_;
  backend::Hyper hyper_;
  AlignedBuffer arena_;
  memory::Placement placement_;
  std::vector<Step> steps_;
  std::vector<const void*> inputs_;
  std::vector<Output> outputs_;
  std::uint64_t prologue_version_ = ~std::uint64_t{0};
};

}  // namespace gyrus::runtime
