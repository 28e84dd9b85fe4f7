#include "backend/cuda/judge_device.h"

#include "core/error.h"

namespace gyrus::backend::cuda {
namespace {

constexpr int kLeastCuda = 13000;
constexpr int kLeastMajor = 8;  // compute capability 8.0, Ampere: the first with bf16

std::string version_text(int version) { return text(version / 1000, ".", version % 1000 / 10); }

}  // namespace

std::string judge_driver(const std::string& path, int cuda_version) {
  if (cuda_version >= kLeastCuda) return "";
  return text("the NVIDIA driver ", path, " offers CUDA ", version_text(cuda_version),
              ", and 13.0 is needed; update it to 580 or later");
}

std::string judge_count(int gpus, const std::string& problem) {
  if (!problem.empty()) return "the NVIDIA driver is there, but no GPU can be used\ncaused by: " + problem;
  if (gpus > 0) return "";
  return "the NVIDIA driver is there, but it shows this process no GPU; look at nvidia-smi and CUDA_VISIBLE_DEVICES";
}

std::string judge_capability(const std::string& name, int major, int minor) {
  if (major >= kLeastMajor) return "";
  return text(name, " has compute capability ", major, ".", minor, "; 8.0 (A100) or later is needed");
}

}  // namespace gyrus::backend::cuda
