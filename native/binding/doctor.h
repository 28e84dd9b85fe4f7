// What this machine offers to gyrus, for `gyrus doctor` and for reports of defects.
#pragma once

#include <napi.h>

#include <string>
#include <vector>

#include "backend/cpu/dnnl/library_info.h"
#include "backend/cuda_libraries.h"

namespace gyrus::binding {

struct DoctorReport {
  std::string cpu;
  std::vector<std::string> cpu_features, simd_targets;
  bool has_bf16 = false;
  int logical_cpus = 0, threads = 0;  // threads: what a session takes unless told otherwise
  backend::cpu::DnnlLibraryInfo dnnl;
  bool is_cuda_compiled = false;
  std::vector<backend::LibrarySearch> cuda_libraries;
  std::string gpu;  // what device: 'cuda' would take, or why it would fail
};

// Opens libraries, so it may take a while: not for the JS thread.
DoctorReport examine_machine();
Napi::Value to_js(Napi::Env env, const DoctorReport& report);

}  // namespace gyrus::binding
