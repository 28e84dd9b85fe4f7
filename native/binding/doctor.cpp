#include "binding/doctor.h"

#include <cpuid.h>

#include <array>
#include <fstream>
#include <string_view>
#include <thread>

#include "backend/backend.h"
#include "backend/cpu/simd/supported_targets.h"
#include "core/error.h"

namespace gyrus::binding {
namespace {

// A CPUID bit: which register of which leaf (Intel SDM volume 2A, CPUID; AMD APM volume 3, appendix E).
struct CpuFeature {
  const char* name;
  unsigned leaf, subleaf;
  enum Register { eax, ebx, ecx, edx } where;
  unsigned bit;
};
constexpr std::array kCpuFeatures = {
    CpuFeature{"sse4.2", 1, 0, CpuFeature::ecx, 20},      CpuFeature{"avx", 1, 0, CpuFeature::ecx, 28},
    CpuFeature{"fma", 1, 0, CpuFeature::ecx, 12},         CpuFeature{"f16c", 1, 0, CpuFeature::ecx, 29},
    CpuFeature{"avx2", 7, 0, CpuFeature::ebx, 5},         CpuFeature{"avx512f", 7, 0, CpuFeature::ebx, 16},
    CpuFeature{"avx512bw", 7, 0, CpuFeature::ebx, 30},    CpuFeature{"avx512vl", 7, 0, CpuFeature::ebx, 31},
    CpuFeature{"avx512_vnni", 7, 0, CpuFeature::ecx, 11}, CpuFeature{"avx512_bf16", 7, 1, CpuFeature::eax, 5},
    CpuFeature{"avx512_fp16", 7, 0, CpuFeature::edx, 23}, CpuFeature{"avx_vnni", 7, 1, CpuFeature::eax, 4},
    CpuFeature{"amx_tile", 7, 0, CpuFeature::edx, 24},    CpuFeature{"amx_bf16", 7, 0, CpuFeature::edx, 22},
    CpuFeature{"amx_int8", 7, 0, CpuFeature::edx, 25},
};

std::vector<std::string> cpu_features() {
  std::vector<std::string> names;
  for (const CpuFeature& feature : kCpuFeatures) {
    std::array<unsigned, 4> registers{};
    if (__get_cpuid_count(feature.leaf, feature.subleaf, &registers[0], &registers[1], &registers[2], &registers[3]) ==
        0) {
      continue;
    }
    if ((registers[feature.where] >> feature.bit & 1U) != 0) names.emplace_back(feature.name);
  }
  return names;
}

std::string cpu_name() {
  std::ifstream info("/proc/cpuinfo");
  constexpr std::string_view kKey = "model name";
  for (std::string line; std::getline(info, line);) {
    const auto colon = line.find(": ");
    if (line.starts_with(kKey) && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

// What device: 'cuda' would take.
std::string describe_gpu() {
  try {
    return backend::make_cuda_backend()->describe().detail;
  } catch (const Error& error) {
    return error.message();
  }
}

Napi::Value list(Napi::Env env, const std::vector<std::string>& names) {
  auto array = Napi::Array::New(env, names.size());
  for (std::size_t at = 0; at < names.size(); ++at) array.Set(static_cast<std::uint32_t>(at), names[at]);
  return array;
}

}  // namespace

DoctorReport examine_machine() {
  const backend::Capabilities can = backend::make_cpu_backend(0)->describe();
  return DoctorReport{.cpu = cpu_name(),
                      .cpu_features = cpu_features(),
                      .simd_targets = backend::cpu::supported_simd_targets(),
                      .has_bf16 = can.has_bf16,
                      .logical_cpus = static_cast<int>(std::thread::hardware_concurrency()),
                      .threads = can.threads,
                      .dnnl = backend::cpu::dnnl_library_info(),
                      .is_cuda_compiled = backend::is_cuda_compiled(),
                      .cuda_libraries = backend::examine_cuda_libraries(),
                      .gpu = describe_gpu()};
}

Napi::Value to_js(Napi::Env env, const DoctorReport& report) {
  auto dnnl = Napi::Object::New(env);
  dnnl.Set("version", report.dnnl.version);
  dnnl.Set("path", report.dnnl.path);
  dnnl.Set("threading", report.dnnl.threading);
  dnnl.Set("isa", report.dnnl.isa);
  auto cuda = Napi::Array::New(env, report.cuda_libraries.size());
  for (std::size_t at = 0; at < report.cuda_libraries.size(); ++at) {
    const auto& library = report.cuda_libraries[at];
    auto entry = Napi::Object::New(env);
    entry.Set("name", library.name);
    entry.Set("path", library.path.empty() ? env.Null() : Napi::String::New(env, library.path));
    entry.Set("searched", list(env, library.searched));
    entry.Set("problem", library.problem.empty() ? env.Null() : Napi::String::New(env, library.problem));
    cuda.Set(static_cast<std::uint32_t>(at), entry);
  }
  auto object = Napi::Object::New(env);
  object.Set("cpu", report.cpu);
  object.Set("cpuFeatures", list(env, report.cpu_features));
  object.Set("simdTargets", list(env, report.simd_targets));
  object.Set("hasBf16", report.has_bf16);
  object.Set("logicalCpus", report.logical_cpus);
  object.Set("threads", report.threads);
  object.Set("onednn", dnnl);
  object.Set("isCudaCompiled", report.is_cuda_compiled);
  object.Set("cudaLibraries", cuda);
  object.Set("gpu", report.gpu);
  return object;
}

}  // namespace gyrus::binding
