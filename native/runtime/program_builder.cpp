// Program::compile: lower, find lifetimes, place them in one arena, bind every kernel to its pointers.
#include <algorithm>
#include <utility>

#include "core/available_memory.h"
#include "core/error.h"
#include "runtime/device_mirror.h"
#include "runtime/lifetimes.h"
#include "runtime/program.h"

namespace gyrus::runtime {

using backend::LoweredGraph;
using backend::LoweredStep;
using graph::Role;

namespace {

// What cuDNN and cuBLASLt ask of their scratch memory; kernels' own parts of it begin at such multiples too.
constexpr std::int64_t kDeviceAlignment = 256;

void* stored_pointer(const graph::Value& value, const ParameterStore& store) {
  switch (value.role) {
    case Role::parameter:
    case Role::buffer:
      return store.parameter(value.bare_name());
    case Role::ema:
      return store.ema(value.bare_name());
    case Role::gradient:
      return store.gradient(value.bare_name());
    case Role::input:
    case Role::activation:
      return nullptr;
  }
  return nullptr;
}

// Turns an image into what the network reads; the image itself lies in its scratch memory, and only meanwhile.
class ImageKernel final : public backend::Kernel {
 public:
  ImageKernel(std::unique_ptr<backend::Kernel> kernel, std::int64_t bytes) : kernel_(std::move(kernel)), bytes_(bytes) {
    GYRUS_ASSERT(kernel_->scratch_bytes() == 0);
  }
  std::int64_t scratch_bytes() const override { return bytes_; }
  void bind(const backend::KernelArgs& args) override { kernel_->bind(args); }
  void run() override { kernel_->run(); }

 private:
  std::unique_ptr<backend::Kernel> kernel_;
  std::int64_t bytes_;
};

bool is_optimizer(graph::OpKind kind) {
  using graph::OpKind;
  return kind == OpKind::sgd_update || kind == OpKind::adamw_update || kind == OpKind::lars_update;
}

}  // namespace

class ProgramBuilder {
 public:
  ProgramBuilder(const graph::Graph& graph, const backend::Backend& backend, ParameterStore& store,
                 const ProgramOptions& options)
      : graph_(graph), store_(store), options_(options), queue_(backend.queue()), lowered_(backend.lower(graph)) {
    if (queue_) options_.is_poisoned = false;
  }

  std::unique_ptr<Program> build() {
    // NOLINTNEXTLINE(cppcoreguidelines-owning-memory): the constructor is private, make_unique cannot reach it
    program_.reset(new Program(store_, options_));
    if (queue_) program_->device_ = std::make_unique<DeviceRun>(queue_, store_.mirror_on(queue_));
    describe_values();
    if (queue_) find_images();
    lifetimes_ = find_lifetimes(lowered_, is_planned_, lives_to_end_, options_.has_constant_parameters);
    program_->placement_ = memory::plan_intervals(lifetimes_.intervals, queue_ ? kDeviceAlignment : memory::kCacheLine);
    program_->inputs_.assign(static_cast<std::size_t>(input_count_), nullptr);
    allocate();
    for (std::size_t s = 0; s < lowered_.steps.size(); ++s) add_step(s);
    add_outputs();
    program_->checked_inputs_ = std::move(checked_inputs_);
    return std::move(program_);
  }

 private:
  std::size_t count() const { return lowered_.values.size(); }

  // Which values the arena must hold, which live in the store, and which the caller brings.
  void describe_values() {
    std::vector<int> input_of(graph_.values().size(), -1);
    for (std::size_t v = 0; v < graph_.values().size(); ++v) {
      const graph::Value& value = graph_.values()[v];
      if (value.role != Role::input) continue;
      input_of[v] = input_count_++;
      checked_inputs_.push_back(
          {"the input " + std::string(value.bare_name()), nullptr, value.shape().elements(), value.dtype()});
    }
    std::vector<bool> is_output(graph_.values().size(), false);
    for (const auto& output : graph_.outputs()) is_output[static_cast<std::size_t>(output.value.index)] = true;

    is_planned_.assign(count(), true);
    lives_to_end_.assign(count(), false);
    pointers_.assign(count(), nullptr);
    input_number_.assign(count(), -1);
    for (std::size_t v = 0; v < count(); ++v) {
      if (options_.is_poisoned) lowered_.values[v].bytes += kGuardBytes;
      const graph::ValueId source = lowered_.values[v].source;
      if (!source.is_valid()) continue;
      const graph::Value& value = graph_.value(source);
      pointers_[v] = place_of_stored(stored_pointer(value, store_));
      input_number_[v] = input_of[static_cast<std::size_t>(source.index)];
      is_planned_[v] = value.role == Role::activation;
      lives_to_end_[v] = is_output[static_cast<std::size_t>(source.index)];
    }
  }

  // The first inputs, as far as nothing is wanted of them but what to_channels_last makes: on a device they are images,
  // which need no place of their own.
  void find_images() {
    int images = 0, inputs = 0;
    image_of_.assign(graph_.values().size(), -1);
    for (std::size_t v = 0; v < graph_.values().size(); ++v) {
      if (graph_.values()[v].role != Role::input) continue;
      bool is_read = false, is_image = true;
      for (const LoweredStep& step : lowered_.steps) {
        if (std::find(step.reads.begin(), step.reads.end(), static_cast<int>(v)) == step.reads.end()) continue;
        is_read = true;
        is_image = is_image && step.kind == graph::OpKind::to_channels_last;
      }
      if (is_read && is_image && images == inputs) image_of_[v] = images++;
      ++inputs;
    }
    for (LoweredStep& step : lowered_.steps) {
      if (image_of(step) < 0) continue;
      const std::int64_t bytes = lowered_.values[static_cast<std::size_t>(step.reads.front())].bytes;
      step.kernel = std::make_unique<ImageKernel>(std::move(step.kernel), bytes);
    }
  }

  int image_of(const LoweredStep& step) const {
    if (!queue_ || step.reads.empty() || static_cast<std::size_t>(step.reads.front()) >= image_of_.size()) return -1;
    return image_of_[static_cast<std::size_t>(step.reads.front())];
  }

  // The caller brings them, but they must be somewhere.
  std::int64_t input_bytes() const {
    std::int64_t bytes = 0;
    for (const Program::Checked& input : checked_inputs_) bytes += input.elements * size_of(input.dtype);
    return bytes;
  }

  void* place_of_stored(void* host) const { return queue_ ? program_->device_->mirror().twin(host) : host; }

  void allocate() {
    const std::int64_t bytes = program_->placement_.peak_bytes;
    if (!queue_) check_available(bytes + input_bytes(), "the program, with the arrays that it reads,");
    try {
      if (queue_) {
        arena_ = static_cast<std::byte*>(program_->device_->allocate_arena(bytes));
        add_device_inputs();
      } else {
        program_->arena_ = AlignedBuffer(bytes);
        arena_ = program_->arena_.as<std::byte>();
      }
    } catch (const Error& error) {
      throw error.with_context(
          text("while allocating the arena of a program with ", lowered_.steps.size(), " kernels"));
    }
    for (std::size_t v = 0; v < count(); ++v) {
      if (is_planned_[v]) pointers_[v] = place(lifetimes_.interval_of_value[v]);
    }
  }

  // On a device an input has one place for good, and no kernel but an image's is ever bound again.
  void add_device_inputs() {
    for (std::size_t v = 0; v < graph_.values().size(); ++v) {
      const graph::Value& value = graph_.values()[v];
      if (value.role != Role::input) continue;
      const std::int64_t bytes = value.shape().elements() * size_of(value.dtype());
      if (image_of_[v] >= 0) {
        program_->device_->add_image(bytes);
        input_number_[v] = -1;
        continue;
      }
      void* const place = program_->device_->add_input(bytes);
      for (std::size_t l = 0; l < count(); ++l) {
        if (lowered_.values[l].source.index != static_cast<std::int32_t>(v)) continue;
        pointers_[l] = place;
        input_number_[l] = -1;
      }
    }
  }

  std::byte* place(int interval) const {
    if (interval < 0) return nullptr;
    return arena_ + program_->placement_.offsets[static_cast<std::size_t>(interval)];
  }

  void add_step(std::size_t s) {
    LoweredStep& from = lowered_.steps[s];
    Program::Step step;
    step.name = std::move(from.name);
    step.kind = from.kind;
    step.work = from.work;
    step.way = std::move(from.way);
    step.is_prologue = from.is_prologue && options_.has_constant_parameters;
    step.is_optimizer = is_optimizer(from.kind);
    step.is_update = step.is_optimizer || from.kind == graph::OpKind::gradient_accumulate;
    step.is_ema_update = from.kind == graph::OpKind::ema_update;
    step.scratch = place(lifetimes_.interval_of_scratch[s]);
    for (std::size_t r = 0; r < from.reads.size(); ++r) {
      const auto v = static_cast<std::size_t>(from.reads[r]);
      step.in.push_back(pointers_[v]);
      if (input_number_[v] >= 0) step.input_slots.emplace_back(r, static_cast<std::size_t>(input_number_[v]));
    }
    for (const int w : from.writes) {
      const auto v = static_cast<std::size_t>(w);
      step.out.push_back(pointers_[v]);
      const graph::ValueId source = lowered_.values[v].source;
      if (!source.is_valid() || pointers_[v] == nullptr) continue;
      const graph::Value& value = graph_.value(source);
      const std::int64_t elements = value.shape().elements();
      // A backend may keep a value in a form of its own, which then has another size.
      if (lowered_.values[v].bytes < elements * size_of(value.dtype())) continue;
      step.checked.push_back({"", pointers_[v], elements, value.dtype()});
    }
    if (options_.is_poisoned) step.poison = find_poison(s);
    step.image = image_of(from);
    if (step.image >= 0) step.in.front() = step.scratch;
    step.kernel = std::move(from.kernel);
    if (step.input_slots.empty()) program_->bind(step);
    program_->steps_.push_back(std::move(step));
  }

  // Memory that dies with step s, except where a value that the step writes has taken it over.
  Poison find_poison(std::size_t s) const {
    Poison poison;
    const std::vector<int>& writes = lowered_.steps[s].writes;
    for (const int w : writes) {
      const auto v = static_cast<std::size_t>(w);
      if (!is_planned_[v] || pointers_[v] == nullptr) continue;
      poison.guards.push_back(static_cast<std::byte*>(pointers_[v]) + lowered_.values[v].bytes - kGuardBytes);
    }
    for (std::size_t v = 0; v < count(); ++v) {
      const int interval = lifetimes_.interval_of_value[v];
      if (interval < 0) continue;
      if (lifetimes_.intervals[static_cast<std::size_t>(interval)].last != static_cast<int>(s)) continue;
      const bool is_taken_over = std::any_of(writes.begin(), writes.end(), [&](int w) {
        return w != static_cast<int>(v) && pointers_[static_cast<std::size_t>(w)] == pointers_[v];
      });
      if (!is_taken_over) poison.freed_after.emplace_back(place(interval), lowered_.values[v].bytes - kGuardBytes);
    }
    return poison;
  }

  void add_outputs() {
    std::vector<const float*> guarded;
    for (const auto& output : graph_.outputs()) {
      const auto found = std::find_if(lowered_.values.begin(), lowered_.values.end(),
                                      [&](const auto& value) { return value.source == output.value; });
      GYRUS_ASSERT(found != lowered_.values.end());
      const void* data = pointers_[static_cast<std::size_t>(found - lowered_.values.begin())];
      const auto& names = options_.guarded_outputs;
      if (std::find(names.begin(), names.end(), output.name) != names.end()) {
        guarded.push_back(static_cast<const float*>(data));
      }
      const graph::Value& value = graph_.value(output.value);
      if (queue_) data = program_->device_->add_output(data, value.shape().elements() * size_of(value.dtype()));
      program_->outputs_.push_back({output.name, value.shape(), data});
    }
    for (const std::string& name : options_.guarded_outputs) program_->output(name);  // throws when it is not there
    if (queue_) {
      program_->device_->guard(guarded);
    } else {
      program_->guarded_ = std::move(guarded);
    }
  }

  const graph::Graph& graph_;
  ParameterStore& store_;
  ProgramOptions options_;
  std::shared_ptr<backend::DeviceQueue> queue_;  // null where kernels work in the host's memory
  LoweredGraph lowered_;
  Lifetimes lifetimes_;
  std::unique_ptr<Program> program_;
  std::vector<Program::Checked> checked_inputs_;
  int input_count_ = 0;
  std::vector<bool> is_planned_, lives_to_end_;
  std::vector<void*> pointers_;  // one a lowered value
  std::byte* arena_ = nullptr;
  std::vector<int> input_number_;  // which program input a value is, or -1
  std::vector<int> image_of_;      // on a device: which image an input is, or -1
};

std::unique_ptr<Program> Program::compile(const graph::Graph& graph, const backend::Backend& backend,
                                          ParameterStore& store, const ProgramOptions& options) {
  GYRUS_CHECK(backend.describe().storage == store.storage(), Code::dtype, "the backend computes on ",
              name_of(backend.describe().storage), " parameters, but the store holds ", name_of(store.storage()));
  return ProgramBuilder(graph, backend, store, options).build();
}

}  // namespace gyrus::runtime
