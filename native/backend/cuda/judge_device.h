// Whether gyrus can use a GPU that was found: what was found and what is needed, as pure functions, so that every
// refusal can be tested where there is no GPU. Each gives "" where all is well, else what to tell the user.
#pragma once

#include <string>

namespace gyrus::backend::cuda {

// `cuda_version`: the latest that the driver serves, 13010 for 13.1.
std::string judge_driver(const std::string& path, int cuda_version);
// `problem`: what the CUDA run time said when it was asked for their number; "" where it answered.
std::string judge_count(int gpus, const std::string& problem);
// A GPU's compute capability.
std::string judge_capability(const std::string& name, int major, int minor);

}  // namespace gyrus::backend::cuda
