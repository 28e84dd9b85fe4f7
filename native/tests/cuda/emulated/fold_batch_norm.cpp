#include "tests/cuda/emulator.h"
// The emulator must come first.
#include "backend/cuda/kernels/fold_batch_norm.cu"
