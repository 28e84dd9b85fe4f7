#include "tests/cuda_build/host_dnn.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>
#include <utility>

#include "tests/cuda_build/host_graph.h"

namespace gyrus::tests {
namespace {

using Shared = std::shared_ptr<HostDescriptor>;

struct State {
  std::vector<HostEngine> engines;
  std::size_t last_engine = 0, last_operations = 0;
};

State& state() {
  static State all;
  return all;
}

constexpr const char* kNone = "there is no cuDNN on the host";

// What a handle of the library points to. Descriptors that others were made of live on with them.
Shared& behind(cudnnBackendDescriptor_t handle) { return *static_cast<Shared*>(handle); }

std::int64_t size_of_type(cudnnBackendAttributeType_t type) {
  switch (static_cast<int>(type)) {
    case CUDNN_TYPE_BOOLEAN:
    case CUDNN_TYPE_CHAR:
      return 1;
    case CUDNN_TYPE_HANDLE:
    case CUDNN_TYPE_INT64:
    case CUDNN_TYPE_DOUBLE:
    case CUDNN_TYPE_VOID_PTR:
      return 8;
    default:
      return 4;  // enumerations, f32 and i32
  }
}

const HostDescriptor& graph_of(const HostDescriptor& plan_or_engine) {
  const HostDescriptor* at = &plan_or_engine;
  if (at->type == CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR)
    at = &at->descriptor(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG);
  if (at->type == CUDNN_BACKEND_ENGINECFG_DESCRIPTOR) at = &at->descriptor(CUDNN_ATTR_ENGINECFG_ENGINE);
  return at->descriptor(at->type == CUDNN_BACKEND_ENGINE_DESCRIPTOR ? CUDNN_ATTR_ENGINE_OPERATION_GRAPH
                                                                    : CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH);
}

std::size_t operations_in(const HostDescriptor& graph) {
  return graph.attributes.at(CUDNN_ATTR_OPERATIONGRAPH_OPS).descriptors.size();
}

std::size_t engine_of(const HostDescriptor& plan) {
  const HostDescriptor& config = plan.type == CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR
                                     ? plan.descriptor(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG)
                                     : plan;
  const HostDescriptor& engine =
      config.type == CUDNN_BACKEND_ENGINECFG_DESCRIPTOR ? config.descriptor(CUDNN_ATTR_ENGINECFG_ENGINE) : config;
  return static_cast<std::size_t>(engine.one<std::int64_t>(CUDNN_ATTR_ENGINE_GLOBAL_INDEX));
}

template <class T>
void set(HostDescriptor& descriptor, cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, T value) {
  auto& attribute = descriptor.attributes[name];
  attribute.type = type;
  attribute.count = 1;
  attribute.bytes.resize(sizeof value);
  std::memcpy(attribute.bytes.data(), &value, sizeof value);
}

void point(HostDescriptor& descriptor, cudnnBackendAttributeName_t name, std::shared_ptr<const HostDescriptor> to) {
  auto& attribute = descriptor.attributes[name];
  attribute.type = CUDNN_TYPE_BACKEND_DESCRIPTOR;
  attribute.count = 1;
  attribute.descriptors = {std::move(to)};
}

// The configurations that the heuristics list for their graph.
std::vector<Shared> list_configs(const HostDescriptor& heuristics) {
  std::vector<Shared> configs;
  const auto graph = heuristics.attributes.at(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH).descriptors.at(0);
  // Both modes list the same: once is enough.
  const bool is_first_mode = heuristics.one<cudnnBackendHeurMode_t>(CUDNN_ATTR_ENGINEHEUR_MODE) == CUDNN_HEUR_MODE_A;
  if (!is_first_mode || !is_known_host_graph(*graph)) return configs;
  for (std::size_t i = 0; i < state().engines.size(); ++i) {
    const HostEngine& listed = state().engines[i];
    if (operations_in(*graph) > 1 && !listed.takes_fusions) continue;
    const auto engine = std::make_shared<HostDescriptor>(HostDescriptor{CUDNN_BACKEND_ENGINE_DESCRIPTOR, true, {}});
    point(*engine, CUDNN_ATTR_ENGINE_OPERATION_GRAPH, graph);
    set(*engine, CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64, static_cast<std::int64_t>(i));
    if (!listed.is_deterministic) {
      set(*engine, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE, CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC);
    }
    auto config = std::make_shared<HostDescriptor>(HostDescriptor{CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, true, {}});
    point(*config, CUDNN_ATTR_ENGINECFG_ENGINE, engine);
    configs.push_back(std::move(config));
  }
  return configs;
}

cudnnStatus_t give_descriptors(const std::vector<Shared>& found, std::int64_t asked, std::int64_t* count, void* to) {
  if (count != nullptr) *count = static_cast<std::int64_t>(found.size());
  auto* const handles = static_cast<cudnnBackendDescriptor_t*>(to);
  for (std::int64_t i = 0; i < std::min(asked, static_cast<std::int64_t>(found.size())); ++i) {
    behind(handles[i]) = found[static_cast<std::size_t>(i)];
  }
  return CUDNN_STATUS_SUCCESS;
}

}  // namespace

void set_host_engines(std::vector<HostEngine> engines) { state().engines = std::move(engines); }
std::size_t last_host_engine() { return state().last_engine; }
std::size_t last_host_operations() { return state().last_operations; }

}  // namespace gyrus::tests

using namespace gyrus::tests;  // NOLINT(google-build-using-namespace): the library's names are global

extern "C" {

// The host is of compute capability 9.0.
cudaError_t cudaGetDevice(int* device) {
  *device = 0;
  return cudaSuccess;
}
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int /*device*/) {
  *value = attribute == cudaDevAttrComputeCapabilityMajor ? 9 : 0;
  return cudaSuccess;
}

size_t cudnnGetVersion() { return CUDNN_VERSION; }
const char* cudnnGetErrorString(cudnnStatus_t status) { return status == CUDNN_STATUS_SUCCESS ? "success" : kNone; }
void cudnnGetLastErrorString(char* message, size_t size) {
  const std::string words = kNone;
  if (size > 0) message[words.copy(message, size - 1)] = '\0';
}
cudnnStatus_t cudnnCreate(cudnnHandle_t* handle) {
  *handle = reinterpret_cast<cudnnHandle_t>(&state());
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnDestroy(cudnnHandle_t) { return CUDNN_STATUS_SUCCESS; }
cudnnStatus_t cudnnSetStream(cudnnHandle_t, cudaStream_t) { return CUDNN_STATUS_SUCCESS; }
cudnnStatus_t cudnnGetStream(cudnnHandle_t, cudaStream_t* stream) {
  *stream = nullptr;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t type, cudnnBackendDescriptor_t* descriptor) {
  auto made = std::make_unique<Shared>(std::make_shared<HostDescriptor>(HostDescriptor{type, false, {}}));
  *descriptor = made.release();
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t descriptor) {
  const std::unique_ptr<Shared> owner(static_cast<Shared*>(descriptor));
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendSetAttribute(cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, int64_t count, const void* elements) {
  HostDescriptor& to = *behind(descriptor);
  if (to.is_finalized || (elements == nullptr && count > 0)) return CUDNN_STATUS_BAD_PARAM;
  auto& attribute = to.attributes[name];
  attribute = {type, count, {}, {}};
  if (type == CUDNN_TYPE_BACKEND_DESCRIPTOR) {
    const auto* const handles = static_cast<const cudnnBackendDescriptor_t*>(elements);
    for (int64_t i = 0; i < count; ++i) {
      if (!behind(handles[i])->is_finalized) return CUDNN_STATUS_BAD_PARAM;
      attribute.descriptors.push_back(behind(handles[i]));
    }
    return CUDNN_STATUS_SUCCESS;
  }
  const auto* const bytes = static_cast<const std::byte*>(elements);
  attribute.bytes.assign(bytes, bytes + count * size_of_type(type));
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendFinalize(cudnnBackendDescriptor_t descriptor) {
  HostDescriptor& made = *behind(descriptor);
  made.is_finalized = true;
  // A heuristic that lists nothing is not supported, as the library has it.
  const bool is_empty = made.type == CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR && list_configs(made).empty();
  return is_empty ? CUDNN_STATUS_NOT_SUPPORTED : CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendGetAttribute(const cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, int64_t asked, int64_t* count,
                                       void* elements) {
  const HostDescriptor& from = *behind(descriptor);
  if (name == CUDNN_ATTR_ENGINEHEUR_RESULTS) return give_descriptors(list_configs(from), asked, count, elements);
  if (name == CUDNN_ATTR_ENGINECFG_SHARED_MEMORY_USED) {
    std::memset(elements, 0, sizeof(std::int32_t));
    return CUDNN_STATUS_SUCCESS;
  }
  if (name == CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE || name == CUDNN_ATTR_ENGINECFG_WORKSPACE_SIZE) {
    const auto bytes = static_cast<int64_t>(state().engines.at(engine_of(from)).scratch_bytes);
    std::memcpy(elements, &bytes, sizeof bytes);
    return CUDNN_STATUS_SUCCESS;
  }
  if (name == CUDNN_ATTR_OPERATIONGRAPH_ENGINE_GLOBAL_COUNT) {
    const auto engines = static_cast<int64_t>(state().engines.size());
    std::memcpy(elements, &engines, sizeof engines);
    return CUDNN_STATUS_SUCCESS;
  }
  const auto found = from.attributes.find(name);
  if (found == from.attributes.end()) {
    if (count != nullptr) *count = 0;  // no notes, no knobs
    return CUDNN_STATUS_SUCCESS;
  }
  if (found->second.type != type) return CUDNN_STATUS_BAD_PARAM;
  if (type == CUDNN_TYPE_BACKEND_DESCRIPTOR) {
    std::vector<Shared> parts;
    for (const auto& part : found->second.descriptors) parts.push_back(std::make_shared<HostDescriptor>(*part));
    return give_descriptors(parts, asked, count, elements);
  }
  if (count != nullptr) *count = found->second.count;
  const auto bytes = static_cast<std::size_t>(std::min(asked, found->second.count) * size_of_type(type));
  if (elements != nullptr) std::memcpy(elements, found->second.bytes.data(), bytes);
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendExecute(cudnnHandle_t, cudnnBackendDescriptor_t plan, cudnnBackendDescriptor_t pack) {
  const HostDescriptor &chosen = *behind(plan), &given = *behind(pack);
  const std::size_t index = engine_of(chosen);
  const HostEngine& engine = state().engines.at(index);
  if (!engine.works) return CUDNN_STATUS_EXECUTION_FAILED;
  const auto ids = given.all<std::int64_t>(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS);
  const auto pointers = given.all<void*>(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS);
  if (ids.size() != pointers.size()) return CUDNN_STATUS_BAD_PARAM;
  std::map<std::int64_t, void*> places;
  for (std::size_t i = 0; i < ids.size(); ++i) places[ids[i]] = pointers[i];
  if (engine.scratch_bytes > 0) {
    std::memset(given.one<void*>(CUDNN_ATTR_VARIANT_PACK_WORKSPACE), 0xff, engine.scratch_bytes);
  }
  const HostDescriptor& graph = graph_of(chosen);
  state().last_engine = index;
  state().last_operations = operations_in(graph);
  const double seconds = state().last_operations > 1 ? engine.fusion_seconds : engine.plain_seconds;
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  return run_host_graph(graph, places);
}

}  // extern "C"
