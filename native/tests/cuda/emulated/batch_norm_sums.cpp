#include "tests/cuda/emulator.h"
// The emulator must come first.
#include "backend/cuda/kernels/batch_norm_sums.cu"
