#include "backend/cuda_libraries.h"

#include <dlfcn.h>
#include <link.h>

#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include "core/error.h"

namespace gyrus::backend {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLoader = "the loader's own places";

// The headers that the backend is compiled with are 9.20's; before 9.10 (91000) attention lacks what it needs.
constexpr std::size_t kLeastDnn = 91000, kNextDnn = 100000;

struct Opened {
  LibrarySearch search;
  void* handle = nullptr;
  std::vector<std::string> problems;  // of files that are there
};

const char* name_of(CudaLibrary library) {
  switch (library) {
    case CudaLibrary::driver:
      return "libcuda.so.1";
    case CudaLibrary::cublas_lt:
      return "libcublasLt.so.13";
    case CudaLibrary::cudnn:
      return "libcudnn.so.9";
    case CudaLibrary::nccl:
      return "libnccl.so.2";
  }
  return "";
}

// What a function without parameters says of the library's version; 0 where there is none.
std::size_t ask_version(void* handle, const char* function) {
  void* const found = dlsym(handle, function);
  return found != nullptr ? reinterpret_cast<std::size_t (*)()>(found)() : 0;
}

// Why a file that loads will not do; "" where it will. CUDA 12's cuDNN 9 has the same name as CUDA 13's.
std::string find_fault(CudaLibrary library, void* handle) {
  if (library != CudaLibrary::cudnn) return "";
  const std::size_t version = ask_version(handle, "cudnnGetVersion");
  if (version < kLeastDnn || version >= kNextDnn) {
    return text("is cuDNN ", version / 10000, ".", version / 100 % 100, ".", version % 100,
                "; 9.10 or a later 9 is needed");
  }
  const std::size_t runtime = ask_version(handle, "cudnnGetCudartVersion");
  if (runtime / 1000 == 13) return "";
  return text("is a cuDNN for CUDA ", runtime / 1000, "; one for CUDA 13 is needed");
}

std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  return value != nullptr ? value : "";
}

void append_split(const std::string& list, std::vector<std::string>& folders) {
  for (std::size_t start = 0; start < list.size();) {
    const std::size_t end = std::min(list.find(':', start), list.size());
    if (end > start) folders.push_back(list.substr(start, end - start));
    start = end + 1;
  }
}

// Where pip puts NVIDIA's wheels below a Python's root: <root>/lib/python3.x/{site,dist}-packages/nvidia/<part>/lib.
void append_wheels(const fs::path& root, std::vector<std::string>& folders) {
  std::error_code problem;
  for (const auto& version : fs::directory_iterator(root / "lib", problem)) {
    if (!version.path().filename().string().starts_with("python3")) continue;
    for (const char* packages : {"site-packages", "dist-packages"}) {
      for (const char* part : {"cu13", "cudnn", "nccl"}) {
        const fs::path folder = version.path() / packages / "nvidia" / part / "lib";
        if (fs::is_directory(folder, problem)) folders.push_back(folder.string());
      }
    }
  }
}

// The folder of the file that holds this code: libraries may travel beside the addon.
std::string own_folder() {
  Dl_info where{};
  if (dladdr(reinterpret_cast<const void*>(&find_cuda_library), &where) == 0 || where.dli_fname == nullptr) return "";
  return fs::path(where.dli_fname).parent_path().string();
}

// Folders that are tried before (GYRUS_CUDA_LIBRARIES) and after what the loader finds by itself.
std::vector<std::string> later_folders() {
  std::vector<std::string> folders;
  if (const std::string own = own_folder(); !own.empty()) folders.push_back(own);
  if (const std::string home = environment("CUDA_HOME"); !home.empty()) folders.push_back(home + "/lib64");
  folders.insert(folders.end(), {"/usr/local/cuda/lib64", "/usr/lib/x86_64-linux-gnu", "/usr/lib64"});
  if (const std::string venv = environment("VIRTUAL_ENV"); !venv.empty()) append_wheels(venv, folders);
  if (const std::string conda = environment("CONDA_PREFIX"); !conda.empty()) append_wheels(conda, folders);
  append_wheels("/usr/local", folders);
  append_wheels("/usr", folders);
  return folders;
}

std::string path_of(void* handle, const std::string& fallback) {
  link_map* map = nullptr;
  const bool has_path = dlinfo(handle, RTLD_DI_LINKMAP, &map) == 0 && map != nullptr && map->l_name != nullptr;
  return has_path ? map->l_name : fallback;
}

// True when it could be opened and will do; what is said against it is kept otherwise, and the search goes on.
bool try_open(CudaLibrary library, Opened& opened, const std::string& file) {
  void* const handle = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* const problem = dlerror();
    opened.problems.emplace_back(problem != nullptr ? problem : "no reason given");
    return false;
  }
  std::string path = path_of(handle, file);
  if (const std::string fault = find_fault(library, handle); !fault.empty()) {
    opened.problems.push_back(path + " " + fault);
    (void)dlclose(handle);
    return false;
  }
  opened.handle = handle;
  opened.search.path = std::move(path);
  return true;
}

std::string joined(const std::vector<std::string>& parts, const char* separator) {
  std::string all;
  for (const std::string& part : parts) all += (all.empty() ? "" : separator) + part;
  return all;
}

Opened open(CudaLibrary library) {
  Opened opened;
  opened.search.name = name_of(library);
  const auto open_in = [&](const std::vector<std::string>& folders) {
    for (const std::string& folder : folders) {
      opened.search.searched.push_back(folder);
      std::error_code problem;
      const fs::path file = fs::path(folder) / opened.search.name;
      if (fs::exists(file, problem) && try_open(library, opened, file.string())) return true;
    }
    return false;
  };
  std::vector<std::string> first;
  append_split(environment("GYRUS_CUDA_LIBRARIES"), first);
  if (open_in(first)) return opened;
  opened.search.searched.emplace_back(kLoader);
  if (try_open(library, opened, opened.search.name) || open_in(later_folders())) return opened;
  opened.search.problem = joined(opened.problems, "; ");
  return opened;
}

// cuDNN compiles kernels (attention, sums, GELU) with NVRTC, which finds the library of its built-in headers only where
// the loader looks by itself, or where it is open already: in the wheels neither. Both lie beside cuBLASLt there.
void open_compiler(const std::string& blas) {
  if (blas.empty()) return;
  for (const std::string_view prefix : {"libnvrtc-builtins.so.13", "libnvrtc.so.13"}) {
    std::error_code problem;
    for (const auto& entry : fs::directory_iterator(fs::path(blas).parent_path(), problem)) {
      if (!entry.path().filename().string().starts_with(prefix)) continue;
      (void)dlopen(entry.path().c_str(), RTLD_NOW | RTLD_GLOBAL);
    }
  }
}

// Opened once a process, by whoever asks first.
const Opened& opened_library(CudaLibrary library) {
  static const Opened driver = open(CudaLibrary::driver);
  if (library == CudaLibrary::driver) return driver;
  // cuDNN looks for cuBLASLt among what is loaded already.
  static const Opened cublas_lt = open(CudaLibrary::cublas_lt);
  if (library == CudaLibrary::cublas_lt) return cublas_lt;
  static const Opened cudnn = [&] {
    open_compiler(cublas_lt.search.path);
    return open(CudaLibrary::cudnn);
  }();
  if (library == CudaLibrary::cudnn) return cudnn;
  static const Opened nccl = open(CudaLibrary::nccl);
  return nccl;
}

}  // namespace

const LibrarySearch& find_cuda_library(CudaLibrary library) { return opened_library(library).search; }

void* cuda_function(CudaLibrary library, const char* name) {
  void* const handle = opened_library(library).handle;
  return handle != nullptr ? dlsym(handle, name) : nullptr;
}

std::vector<LibrarySearch> examine_cuda_libraries() {
  return {find_cuda_library(CudaLibrary::driver), find_cuda_library(CudaLibrary::cublas_lt),
          find_cuda_library(CudaLibrary::cudnn), find_cuda_library(CudaLibrary::nccl)};
}

std::string describe_missing(const LibrarySearch& search) {
  return text(search.name, " was not found (", search.problem, "); looked in: ", joined(search.searched, ", "));
}

}  // namespace gyrus::backend
