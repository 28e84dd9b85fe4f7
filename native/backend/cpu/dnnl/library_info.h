// Which oneDNN is loaded, and what it makes of this CPU: for `gyrus doctor` and for reports of defects.
#pragma once

#include <string>

namespace gyrus::backend::cpu {

struct DnnlLibraryInfo {
  std::string version;    // "3.2.1"
  std::string path;       // of the file it was loaded from
  std::string threading;  // "OpenMP", "sequential", ...
  std::string isa;        // the instruction set that it uses at most: "AVX-512 with bf16"
};

DnnlLibraryInfo dnnl_library_info();

}  // namespace gyrus::backend::cpu
