// Errors of cuDNN as gyrus's own, quoting the call.
#pragma once

#include "core/error.h"

namespace gyrus::backend::cuda {

// `status`: a cudnnStatus_t.
void check_dnn(int status, const char* expression);

}  // namespace gyrus::backend::cuda

#define GYRUS_CUDNN(expression) ::gyrus::backend::cuda::check_dnn((expression), #expression)
