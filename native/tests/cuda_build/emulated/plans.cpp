#include "tests/cuda_build/host_dnn_names.h"
// The names first, then NVIDIA's headers, which must not see the emulator's macros.
#include <cudnn_frontend.h>
// The emulator must come before everything else.
#include "tests/cuda/emulator.h"
// This order.
#include "backend/cuda/dnn/plans.cpp"
