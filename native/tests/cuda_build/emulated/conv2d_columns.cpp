#include <cublasLt.h>
// NVIDIA's header must not see the emulator's macros; the emulator must come before everything else.
#include "tests/cuda/emulator.h"
// This order.
#include "backend/cuda/blas/conv2d_columns.cpp"
