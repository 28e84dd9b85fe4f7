#include "tests/cuda/emulated_mma.h"
// The emulator must come first.
#include "backend/cuda/kernels/attention_tiles.cu"
