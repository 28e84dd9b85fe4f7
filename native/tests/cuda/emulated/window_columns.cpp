#include "tests/cuda/emulator.h"
// The emulator must come first.
#include "backend/cuda/kernels/window_columns.cu"
