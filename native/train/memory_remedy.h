// What to change where a training step does not fit into memory.
#pragma once

#include <cstdint>

#include "core/available_memory.h"
#include "train/session_options.h"

namespace gyrus::train {

// By an estimate on the safe side, the most images at a time with which a step over micro-batches would fit: a divisor
// of the batch, 0 if there is none. `parameter_bytes`: of all arenas of the parameters.
std::int64_t fitting_micro_batch(const MemoryShortage& shortage, const ContrastiveOptions& options,
                                 std::int64_t parameter_bytes);

// The shortage with its remedy.
Error with_remedy(const MemoryShortage& shortage, const ContrastiveOptions& options, std::int64_t parameter_bytes);
Error with_remedy(const MemoryShortage& shortage, const SupervisedOptions& options);

}  // namespace gyrus::train
