#include "tests/cuda/emulator.h"
// The emulator must come first.
#include "backend/cuda/kernels/layer_norm_backward.cu"
