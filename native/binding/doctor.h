// What this machine offers to gyrus, for `gyrus doctor` and for reports of defects.
#pragma once

#include <napi.h>

#include <string>
#include <vector>

#include "backend/cpu/dnnl/library_info.h"

namespace gyrus::binding {

struct DoctorReport {
  struct Library {
    std::string name, path;  // path: "" when it is not found
    std::string problem;     // why not, in the loader's words
  };
  std::string cpu;
  std::vector<std::string> cpu_features, simd_targets;
  bool has_bf16 = false;
  int logical_cpus = 0, threads = 0;  // threads: what a session takes unless told otherwise
  backend::cpu::DnnlLibraryInfo dnnl;
  std::vector<Library> cuda_libraries;
};

// Opens libraries, so it may take a while: not for the JS thread.
DoctorReport examine_machine();
Napi::Value to_js(Napi::Env env, const DoctorReport& report);

}  // namespace gyrus::binding
