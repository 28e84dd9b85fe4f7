#include "tests/cuda/emulator.h"
// The emulator must come first.
#include "tests/cuda/emulated_backend.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "backend/cuda/attention_choices.h"
#include "backend/cuda/augment_views.h"
#include "backend/cuda/dnn/dnn.h"
#include "backend/cuda/ops/makers.h"
#include "backend/lowering.h"
#include "tests/cuda/guarded_block.h"
#include "tests/cuda/naive_product.h"
#include "tests/cuda/pretended_cudnn.h"

namespace gyrus::backend::cuda {

// The host's memory in place of a GPU's; what kernels of cuda/ops need of the queue.
CudaQueue::CudaQueue() = default;
CudaQueue::~CudaQueue() = default;
std::shared_ptr<void> CudaQueue::allocate(std::int64_t bytes, MemoryKind) {
  GYRUS_CHECK(bytes <= tests::PretendedCudnn::most_bytes(), Code::out_of_memory, "no ", bytes,
              " bytes of emulated memory");
  return std::shared_ptr<void>(::operator new (static_cast<std::size_t>(bytes), std::align_val_t{64}),
                               [](void* block) { ::operator delete (block, std::align_val_t{64}); });
}
void CudaQueue::copy_to_device(void* device, const void* host, std::int64_t bytes) {
  std::memcpy(device, host, static_cast<std::size_t>(bytes));
}
void CudaQueue::copy_to_host(void* host, const void* device, std::int64_t bytes) {
  std::memcpy(host, device, static_cast<std::size_t>(bytes));
}
void CudaQueue::fill_zero(void* device, std::int64_t bytes) { std::memset(device, 0, static_cast<std::size_t>(bytes)); }
void CudaQueue::copy_on_device(void* to, const void* from, std::int64_t bytes) {
  std::memcpy(to, from, static_cast<std::size_t>(bytes));
}
void CudaQueue::synchronize() {}
void CudaQueue::mark(DeviceEvent&) {}
void CudaQueue::wait_for(DeviceEvent&) {}
std::unique_ptr<DeviceLane> CudaQueue::make_lane() { fail_internal("make_lane", __FILE__, __LINE__); }
std::unique_ptr<DeviceEvent> CudaQueue::make_event() { fail_internal("make_event", __FILE__, __LINE__); }
std::unique_ptr<Kernel> CudaQueue::make_augment(const AugmentJob& job) {
  return std::make_unique<AugmentViews>(*this, job);
}
double CudaQueue::seconds(const std::function<void()>& enqueue) {
  const auto start = std::chrono::steady_clock::now();
  enqueue();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}
std::unique_ptr<Recording> CudaQueue::record(const std::function<void()>&) {
  fail_internal("record", __FILE__, __LINE__);
}
std::unique_ptr<Kernel> CudaQueue::make_finite_guard(std::span<const float* const>, Hyper*) {
  fail_internal("make_finite_guard", __FILE__, __LINE__);
}

}  // namespace gyrus::backend::cuda

namespace gyrus::tests {
namespace {

using backend::ArenaView;
using backend::KernelArgs;
using backend::cuda::NodeContext;
using emulation::GuardedBlock;
using emulation::Order;
using graph::OpKind;

using Maker = backend::LoweredKernel (*)(const NodeContext&);

// What is made of our own kernels alone. (A test of the op table demands a maker for every kind of cuda/ itself.)
Maker maker_of(OpKind kind) {
#define GYRUS_MAKER(name) \
  { OpKind::name, &backend::cuda::make_##name }
  static const std::map<OpKind, Maker> kMakers = {
      GYRUS_MAKER(to_channels_last),
      GYRUS_MAKER(cast),
      GYRUS_MAKER(fill),
      GYRUS_MAKER(sum_rows),
      GYRUS_MAKER(batch_norm),
      GYRUS_MAKER(batch_norm_grad),
      GYRUS_MAKER(batch_norm_inference),
      GYRUS_MAKER(layer_norm),
      GYRUS_MAKER(layer_norm_grad),
      GYRUS_MAKER(relu),
      GYRUS_MAKER(relu_grad),
      GYRUS_MAKER(gelu),
      GYRUS_MAKER(gelu_grad),
      GYRUS_MAKER(add),
      GYRUS_MAKER(scale_rows),
      GYRUS_MAKER(max_pool),
      GYRUS_MAKER(max_pool_grad),
      GYRUS_MAKER(global_avg_pool),
      GYRUS_MAKER(global_avg_pool_grad),
      GYRUS_MAKER(embed_tokens),
      GYRUS_MAKER(embed_tokens_grad),
      GYRUS_MAKER(concat_rows),
      GYRUS_MAKER(concat_rows_grad),
      GYRUS_MAKER(select_token),
      GYRUS_MAKER(select_token_grad),
      GYRUS_MAKER(l2_normalize),
      GYRUS_MAKER(l2_normalize_grad),
      GYRUS_MAKER(softmax_cross_entropy),
      GYRUS_MAKER(softmax_cross_entropy_grad),
      GYRUS_MAKER(soft_cross_entropy),
      GYRUS_MAKER(soft_cross_entropy_grad),
      GYRUS_MAKER(gradient_accumulate),
      GYRUS_MAKER(sgd_update),
      GYRUS_MAKER(adamw_update),
      GYRUS_MAKER(lars_update),
      GYRUS_MAKER(ema_update),
      GYRUS_MAKER(attention),
      GYRUS_MAKER(attention_grad),
  };
#undef GYRUS_MAKER
  const auto found = kMakers.find(kind);
  GYRUS_CHECK(found != kMakers.end(), Code::internal, "the emulated backend has no ", graph::name_of(kind));
  return found->second;
}

bool is_product(OpKind kind) {
  return kind == OpKind::linear || kind == OpKind::linear_grad_input || kind == OpKind::linear_grad_weight;
}

bool is_update(OpKind kind) {
  return kind == OpKind::sgd_update || kind == OpKind::adamw_update || kind == OpKind::lars_update ||
         kind == OpKind::ema_update || kind == OpKind::gradient_accumulate;
}

// A kernel's operand: where the Program keeps it, and its copy.
struct Operand {
  void* home;
  std::int64_t bytes;
};

class StagedKernel final : public backend::Kernel {
 public:
  StagedKernel(std::unique_ptr<backend::Kernel> kernel, std::string name, bool is_update, std::vector<std::int64_t> in,
               std::vector<std::int64_t> out)
      : kernel_(std::move(kernel)),
        name_(std::move(name)),
        is_update_(is_update),
        in_bytes_(std::move(in)),
        out_bytes_(std::move(out)) {}

  void bind(const KernelArgs& args) override {
    args_ = args;
    in_.assign(args.in.begin(), args.in.end());
    out_.assign(args.out.begin(), args.out.end());
  }

  void run() override {
    std::vector<std::vector<std::byte>> first;
    const std::vector<Operand> operands = list_operands();
    // Operands are restored before each run: some are changed in place.
    std::vector<std::vector<std::byte>> before;
    for (const Operand& operand : operands) {
      const auto* bytes = static_cast<const std::byte*>(operand.home);
      before.emplace_back(bytes, bytes + operand.bytes);
    }
    for (const Order order : {Order::shuffled, Order::descending, Order::ascending}) {
      std::vector<std::vector<std::byte>> left = run_once(order, operands, before);
      if (first.empty())
        first = std::move(left);
      else
        GYRUS_CHECK(left == first, Code::internal, name_, ": its results depend on the order of threads or blocks");
    }
    for (std::size_t i = 0; i < operands.size(); ++i) {
      if (!first[i].empty()) std::memcpy(operands[i].home, first[i].data(), first[i].size());
    }
  }

 private:
  std::vector<Operand> list_operands() const {
    std::vector<Operand> operands;
    if (is_update_) {
      const ArenaView& arenas = args_.arenas;
      const std::int64_t count = arenas.trainable_count * 4;
      for (void* arena : {arenas.parameters, arenas.gradients, arenas.accumulator, arenas.slot0, arenas.slot1}) {
        operands.push_back({arena, arena != nullptr ? count : 0});
      }
      operands.push_back({arenas.ema, arenas.ema != nullptr ? arenas.ema_count * 4 : 0});
      return operands;
    }
    for (std::size_t i = 0; i < in_.size(); ++i) operands.push_back({in_[i], in_bytes_[i]});
    // A result that nobody reads has no memory.
    for (std::size_t i = 0; i < out_.size(); ++i) operands.push_back({out_[i], out_[i] != nullptr ? out_bytes_[i] : 0});
    return operands;
  }

  std::vector<std::vector<std::byte>> run_once(Order order, const std::vector<Operand>& operands,
                                               const std::vector<std::vector<std::byte>>& before) {
    std::vector<GuardedBlock> blocks;
    std::vector<void*> pointers;
    for (std::size_t i = 0; i < operands.size(); ++i) {
      blocks.emplace_back(operands[i].bytes);
      pointers.push_back(operands[i].home != nullptr ? blocks.back().data() : nullptr);
      // Outputs of a node begin as NaN; an arena and an input as they were.
      if (is_update_ || i < in_.size()) std::copy(before[i].begin(), before[i].end(), blocks.back().bytes().begin());
    }
    GuardedBlock scratch(kernel_->scratch_bytes());
    KernelArgs args = args_;
    args.scratch = scratch.data();
    if (is_update_) {
      args.arenas.parameters = pointers[0];
      args.arenas.gradients = pointers[1];
      args.arenas.accumulator = pointers[2];
      args.arenas.slot0 = pointers[3];
      args.arenas.slot1 = pointers[4];
      args.arenas.ema = pointers[5];
    } else {
      args.in = std::span<void* const>(pointers).first(in_.size());
      args.out = std::span<void* const>(pointers).subspan(in_.size());
    }
    emulation::set_order(order);
    kernel_->bind(args);
    kernel_->run();
    GYRUS_CHECK(scratch.is_intact(), Code::internal, name_, " wrote beyond its scratch memory");
    std::vector<std::vector<std::byte>> left;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      GYRUS_CHECK(blocks[i].is_intact(), Code::internal, name_, " wrote beyond its operand ", i);
      left.emplace_back(blocks[i].bytes().begin(), blocks[i].bytes().end());
    }
    return left;
  }

  std::unique_ptr<backend::Kernel> kernel_;
  std::string name_;
  bool is_update_;
  std::vector<std::int64_t> in_bytes_, out_bytes_;
  KernelArgs args_;
  std::vector<void*> in_, out_;
};

class EmulatedBackend final : public backend::Backend {
 public:
  explicit EmulatedBackend(MakeOther others) : others_(std::move(others)) {}

  backend::Capabilities describe() const override { return {"emulated cuda", true, DType::f32}; }

  backend::LoweredGraph lower(const graph::Graph& graph) const override {
    std::map<std::int32_t, std::int64_t> other_forms;  // bytes of values that a kernel keeps in a form of its own
    return backend::lower_nodes(graph, [&](const graph::Node& node) {
      std::optional<backend::LoweredKernel> other;
      if (others_) other = others_({graph, node});
      if (!other && is_product(node.kind)) return backend::LoweredKernel{make_naive_product({graph, node}), {}};
      backend::LoweredKernel lowered =
          other ? std::move(*other) : maker_of(node.kind)(NodeContext{{graph, node}, cuda_});
      const auto bytes_of = [&](const std::vector<graph::ValueId>& values) {
        std::vector<std::int64_t> bytes;
        bytes.reserve(values.size());
        for (const graph::ValueId id : values) {
          bytes.push_back(graph.value(id).shape().elements() * size_of(graph.value(id).dtype()));
        }
        return bytes;
      };
      if (lowered.is_left_to_reader) return lowered;
      std::vector<graph::ValueId> reads = lowered.reads.empty() ? node.inputs : lowered.reads;
      reads.insert(reads.end(), lowered.extra_reads.begin(), lowered.extra_reads.end());
      std::vector<std::int64_t> in_bytes = bytes_of(reads), out_bytes = bytes_of(node.outputs);
      for (std::size_t i = 0; i < reads.size(); ++i) {
        if (const auto other_form = other_forms.find(reads[i].index); other_form != other_forms.end()) {
          in_bytes[i] = other_form->second;
        }
      }
      for (const auto& [output, bytes] : lowered.other_forms) {
        out_bytes[output] = other_forms[node.outputs[output].index] = bytes;
      }
      for (const backend::PackRequest& pack : lowered.packs) in_bytes[pack.input] = pack.bytes;
      for (const auto& beside : lowered.reads_beside) in_bytes.push_back(beside.bytes);
      for (const auto& beside : lowered.writes_beside) out_bytes.push_back(beside.bytes);
      lowered.kernel =
          std::make_unique<StagedKernel>(std::move(lowered.kernel), graph::describe(graph, id_of(graph, node)),
                                         is_update(node.kind), std::move(in_bytes), std::move(out_bytes));
      return lowered;
    });
  }

 private:
  static graph::NodeId id_of(const graph::Graph& graph, const graph::Node& node) {
    return {static_cast<std::int32_t>(&node - graph.nodes().data())};
  }

  static std::shared_ptr<const backend::cuda::CudaContext> make_context() {
    auto context = std::make_shared<backend::cuda::CudaContext>();
    context->queue = std::make_shared<backend::cuda::CudaQueue>();
    context->dnn = make_dnn(context->queue, nullptr);
    if (PretendedCudnn::is_there()) {
      const auto cache = std::make_shared<backend::cuda::PlanCache>("emulated");
      context->attention = std::make_shared<backend::cuda::AttentionChoices>(context->queue, cache);
    }
    return context;
  }

  MakeOther others_;
  std::shared_ptr<const backend::cuda::CudaContext> cuda_ = make_context();
};

}  // namespace

std::unique_ptr<backend::Kernel> make_emulated_augment(const backend::AugmentJob& job) {
  return std::make_unique<backend::cuda::AugmentViews>(backend::cuda::CudaQueue(), job);
}

std::unique_ptr<backend::Backend> make_emulated_backend() { return make_emulated_backend({}); }
std::unique_ptr<backend::Backend> make_emulated_backend(MakeOther others) {
  return std::make_unique<EmulatedBackend>(std::move(others));
}

}  // namespace gyrus::tests
