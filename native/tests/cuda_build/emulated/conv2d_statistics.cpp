#include "tests/cuda/emulator.h"
// The emulator must come before everything else.
#include "backend/cuda/dnn/conv2d_statistics.cpp"
