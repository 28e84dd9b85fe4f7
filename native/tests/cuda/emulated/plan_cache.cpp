#include "tests/cuda/emulator.h"
// The emulator must come first.
#include "backend/cuda/plan_cache.cpp"
