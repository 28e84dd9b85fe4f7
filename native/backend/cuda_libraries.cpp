#include "backend/cuda_libraries.h"

#include <dlfcn.h>
#include <link.h>

#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "core/error.h"

namespace gyrus::backend {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLoader = "the loader's own places";

struct Opened {
  LibrarySearch search;
  void* handle = nullptr;
};

const char* name_of(CudaLibrary library) {
  switch (library) {
    case CudaLibrary::driver:
      return "libcuda.so.1";
    case CudaLibrary::cublas_lt:
      return "libcublasLt.so.13";
    case CudaLibrary::cudnn:
      return "libcudnn.so.9";
  }
  return "";
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
      for (const char* part : {"cu13", "cudnn"}) {
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

// True when it could be opened. The first problem is kept: a library that is there and does not load says more than a
// folder without it.
bool try_open(Opened& opened, const std::string& file) {
  opened.handle = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (opened.handle != nullptr) {
    opened.search.path = path_of(opened.handle, file);
    opened.search.problem.clear();
    return true;
  }
  const char* const problem = dlerror();
  if (opened.search.problem.empty()) opened.search.problem = problem != nullptr ? problem : "no reason given";
  return false;
}

Opened open(CudaLibrary library) {
  Opened opened;
  opened.search.name = name_of(library);
  const auto open_in = [&](const std::vector<std::string>& folders) {
    for (const std::string& folder : folders) {
      opened.search.searched.push_back(folder);
      std::error_code problem;
      const fs::path file = fs::path(folder) / opened.search.name;
      if (fs::exists(file, problem) && try_open(opened, file.string())) return true;
    }
    return false;
  };
  std::vector<std::string> first;
  append_split(environment("GYRUS_CUDA_LIBRARIES"), first);
  if (open_in(first)) return opened;
  opened.search.searched.emplace_back(kLoader);
  if (try_open(opened, opened.search.name)) return opened;
  open_in(later_folders());
  return opened;
}

// Opened once a process, by whoever asks first.
const Opened& opened_library(CudaLibrary library) {
  static const Opened driver = open(CudaLibrary::driver);
  if (library == CudaLibrary::driver) return driver;
  // cuDNN looks for cuBLASLt among what is loaded already.
  static const Opened cublas_lt = open(CudaLibrary::cublas_lt);
  if (library == CudaLibrary::cublas_lt) return cublas_lt;
  static const Opened cudnn = open(CudaLibrary::cudnn);
  return cudnn;
}

}  // namespace

const LibrarySearch& find_cuda_library(CudaLibrary library) { return opened_library(library).search; }

void* cuda_function(CudaLibrary library, const char* name) {
  void* const handle = opened_library(library).handle;
  return handle != nullptr ? dlsym(handle, name) : nullptr;
}

std::vector<LibrarySearch> examine_cuda_libraries() {
  return {find_cuda_library(CudaLibrary::driver), find_cuda_library(CudaLibrary::cublas_lt),
          find_cuda_library(CudaLibrary::cudnn)};
}

std::string describe_missing(const LibrarySearch& search) {
  std::string folders;
  for (const std::string& folder : search.searched) folders += (folders.empty() ? "" : ", ") + folder;
  return text(search.name, " was not found (", search.problem, "); looked in: ", folders);
}

}  // namespace gyrus::backend
