// Which of the networks' operations cuDNN has engines for on GPUs that are not here. Since 9.8 cuDNN lists, checks and
// compiles plans for a GPU of which it has only the description, as it would for the GPU itself; nothing runs. Needs
// cuDNN's, cuBLAS's and NVRTC's libraries (GYRUS_CUDA_LIBRARIES names their folders), and says so where they are not
// there.
#include <dlfcn.h>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "backend/cuda/attention_choices.h"
#include "backend/cuda/dnn/dnn.h"
#include "backend/cuda/ops/makers.h"
#include "backend/cuda_libraries.h"
#include "graph/ops.h"
#include "nn/encoder.h"
#include "passes/passes.h"
#include "tests/cuda/choices_folder.h"
#include "tests/harness/suites.h"
#include "train/chunked_inference.h"
#include "train/contrastive_graphs.h"
#include "train/optimizer.h"

namespace gyrus::tests::suites {
namespace {

using backend::CudaLibrary;
using backend::cuda::CudaContext;
using backend::cuda::DescribedGpu;
using backend::cuda::Dnn;
using backend::cuda::NodeContext;
using graph::Graph;
using graph::OpKind;

constexpr std::int64_t kBatch = 256;

struct Gpu {
  std::string name;
  int capability, multiprocessors, shared_bytes, clock_khz, memory_khz;
  std::int64_t cache_bytes, bytes;
};
const Gpu kGpus[] = {{"NVIDIA A100-SXM4-80GB", 80, 108, 166912, 1410000, 1593000, 40 << 20, 84987740160},
                     {"NVIDIA H100 80GB HBM3", 90, 132, 232448, 1980000, 2619000, 50 << 20, 85045411840}};

DescribedGpu describe(const Gpu& gpu) {
  return {
      text(R"({"deviceName":")", gpu.name, R"(","cudaDeviceId":0,"pciDeviceId":0,"deviceVer":)", gpu.capability, '0',
           R"(,"driverVer":13000,"multiProcessorCount":)", gpu.multiprocessors, R"(,"maxSharedMemoryPerBlockOptin":)",
           gpu.shared_bytes, R"(,"smClockRateKHz":)", gpu.clock_khz, R"(,"memClockRateKHz":)", gpu.memory_khz,
           R"(,"l2CacheSize":)", gpu.cache_bytes, R"(,"totalGlobalMem":)", gpu.bytes,
           R"(,"maxGridSize":[2147483647,65535,65535],"maxBlockSize":[1024,1024,64],"regsPerBlock":65536)",
           R"(,"warpSize":32,"maxSharedMemoryPerBlock":49152,"reservedSharedMemoryPerBlock":1024)",
           R"(,"maxRegistersPerSM":65536,"maxCtasPerSM":32,"maxThreadsPerBlock":1024,"maxThreadsPerSM":2048)",
           R"(,"isTccDriver":0,"supportCoopLaunch":1})"),
      gpu.capability};
}

// Why the suite cannot run; "" where it can. What is opened stays for the life of the process.
std::string open_libraries() {
  if (backend::find_cuda_library(CudaLibrary::cudnn).path.empty()) return "there is no cuDNN 9 for CUDA 13";
  const std::string blas = backend::find_cuda_library(CudaLibrary::cublas_lt).path;
  if (blas.empty()) return "there is no cuBLASLt 13";
  // cuDNN opens it by its name alone, and then finds what is open already.
  if (dlopen(blas.c_str(), RTLD_NOW | RTLD_GLOBAL) == nullptr) return "cuBLASLt does not load";
  if (!backend::find_cuda_library(CudaLibrary::driver).path.empty()) return "";
  return dlopen(GYRUS_NO_GPU_DRIVER, RTLD_NOW | RTLD_GLOBAL) != nullptr ? "" : GYRUS_NO_GPU_DRIVER " does not load";
}

Graph lower_forward(const Graph& graph) {
  return passes::fuse_forward(passes::simplify(passes::prune_tokens(passes::precision(graph, DType::bf16))));
}

nn::EncoderOptions encoder(const std::string& arch) { return {.arch = arch}; }

// A step of MoCo v3 as it is lowered.
Graph training(const std::string& arch) {
  train::ContrastiveOptions options;
  options.encoder = encoder(arch);
  options.batch_size = kBatch;
  const train::Method& method = train::find_method("mocov3");
  const train::StepGraph step = train::step_graph(method, options);
  const Graph forward = lower_forward(step.graph);
  std::vector<passes::Target> targets;
  for (const std::string& name : step.names.losses) {
    for (const auto& output : forward.outputs()) {
      if (output.name == name) targets.push_back({output.value, std::nullopt});
    }
  }
  std::vector<std::string> trainable;
  for (const auto& spec : method.parameters(options)) {
    if (!spec.is_buffer && spec.is_trainable) trainable.push_back(spec.name);
  }
  Graph graph = passes::fuse_gradients(passes::autodiff(forward, targets, trainable));
  train::add_update(graph, options.optimizer);
  return passes::schedule(passes::simplify(graph));
}

Graph inference(const std::string& arch) {
  Graph graph;
  const nn::EncoderOptions options = encoder(arch);
  const graph::ValueId image = train::add_images(graph, options, kBatch);
  nn::Scope scope{graph, "", "", graph::Role::parameter, "", nn::Mode::inference};
  graph.mark_output(nn::encoder_features(scope, image, options), "features");
  return passes::schedule(passes::simplify(lower_forward(graph)));
}

// How many operations go which way, as "conv2d cudnn"; and cuDNN's words where it refused.
struct Ways {
  std::map<std::string, int> counts;
  std::vector<std::string> refusals;
};

// What cuDNN is asked for; nothing for other operations.
std::optional<backend::Way> way_of(const NodeContext& view) {
  const OpKind kind = view.node.kind;
  if (kind == OpKind::conv2d) {
    const auto lowered = backend::cuda::make_conv2d(view);
    return lowered.is_left_to_reader ? std::nullopt : std::optional(lowered.way);
  }
  if (kind == OpKind::conv2d_grad_input) return backend::cuda::make_conv2d_grad_input(view).way;
  if (kind == OpKind::conv2d_grad_weight) return backend::cuda::make_conv2d_grad_weight(view).way;
  if (kind == OpKind::batch_norm_inference) return backend::cuda::make_batch_norm_inference(view).way;
  if (kind == OpKind::attention) return backend::cuda::make_attention(view).way;
  if (kind == OpKind::attention_grad) return backend::cuda::make_attention_grad(view).way;
  if (kind != OpKind::linear || view.output_count() < 2) return std::nullopt;  // linear with GELU
  const Shape& w = view.in_shape(1);
  const auto& choice = view.cuda->dnn->gelu({view.in_shape(0).rows(), w[0], w[1]});
  return backend::Way{choice.plan ? "cudnn" : "own", choice.refusal, !choice.plan};
}

// The first convolution is a product over columns by choice, and those need cuBLASLt, which describes no GPU.
bool is_stem(const NodeContext& view) {
  const bool is_weight = view.node.kind == OpKind::conv2d_grad_weight;
  if (!is_weight && view.node.kind != OpKind::conv2d) return false;
  return (is_weight ? view.out_shape(0) : view.in_shape(1))[1] < 8;
}

Ways ways_of(const Graph& graph, const std::shared_ptr<const CudaContext>& context) {
  Ways ways;
  for (const graph::Node& node : graph.nodes()) {
    const NodeContext view{{graph, node}, context};
    if (is_stem(view)) continue;
    const std::optional<backend::Way> way = way_of(view);
    if (!way) continue;
    ++ways.counts[text(graph::name_of(node.kind), ' ', way->name)];
    if (way->is_refused) ways.refusals.push_back(text(node.name, ": ", way->why));
  }
  return ways;
}

void expect(Check& check, const Graph& graph, const Gpu& gpu, const std::map<std::string, int>& expected) {
  auto context = std::make_shared<CudaContext>();
  const auto cache = std::make_shared<backend::cuda::PlanCache>("described");
  context->dnn = std::make_shared<Dnn>(describe(gpu), cache);
  // Times nothing, as nothing is tuned: cuDNN's is taken wherever it has one.
  context->attention = std::make_shared<backend::cuda::AttentionChoices>(nullptr, cache);
  const Ways found = ways_of(graph, context);
  check.that(found.refusals.empty(), found.refusals.size(),
             " refusals, the first: ", found.refusals.empty() ? "" : found.refusals.front().substr(0, 600));
  for (const auto& [way, count] : expected) {
    const auto at = found.counts.find(way);
    check.equal(at == found.counts.end() ? 0 : at->second, count, way);
  }
  check.equal(found.counts.size(), expected.size(), "kinds of operations and ways");
}

}  // namespace

void cuda_engines(Suite& suite) {
  if (const std::string problem = open_libraries(); !problem.empty()) {
    suite.skip("all", problem + "; GYRUS_CUDA_LIBRARIES names folders with cuDNN, cuBLAS and NVRTC");
    return;
  }
  for (const Gpu& gpu : kGpus) {
    const auto test = [&](const std::string& name, const std::function<Graph()>& graph,
                          const std::map<std::string, int>& expected) {
      suite.test(text(gpu.name, ": ", name), [=](Check& check) {
        const ChoicesFolder folder;
        const Variable tune("GYRUS_CUDA_TUNE", "0");  // one candidate each is enough
        expect(check, graph(), gpu, expected);
      });
    };
    // Four forward passes and two backward, of 52 convolutions behind the stem.
    test(
        "a step of ResNet-50", [] { return training("resnet50"); },
        {{"conv2d cudnn, with sums or not", 208}, {"conv2d_grad_input cudnn", 104}, {"conv2d_grad_weight cudnn", 104}});
    test("ResNet-50's features", [] { return inference("resnet50"); },
         {{"batch_norm_inference cudnn, fused", 52}, {"batch_norm_inference ", 1}});
    for (const std::string arch : {"vit_small_patch16_224", "vit_base_patch16_224"}) {
      test("a step of " + arch, [=] { return training(arch); },
           {{"attention cudnn", 48}, {"attention_grad cudnn", 24}, {"linear cudnn", 48}});
    }
  }
}

}  // namespace gyrus::tests::suites
