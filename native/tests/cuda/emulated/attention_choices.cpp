#include "tests/cuda/emulator.h"
// The emulator must come first.
#include "backend/cuda/attention_choices.cpp"
