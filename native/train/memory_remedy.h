// What to change where a network or a training step does not fit into memory.
#pragma once

#include <cstdint>

#include "core/available_memory.h"
#include "graph/parameter_spec.h"
#include "train/session_options.h"

namespace gyrus::train {

// Throws Code::out_of_memory where the parameters and one image are not there, before either is allocated.
// `further_arenas`: of what is trained, gradients and the optimizer's slots; momentum copies come with them.
void check_room(const graph::ParameterSpecs& specs, const nn::EncoderOptions& encoder, int further_arenas = 0);

// By an estimate on the safe side, the most images at a time with which a step over micro-batches would fit: a divisor
// of the batch, 0 if there is none. `parameter_bytes`: of all arenas of the parameters.
std::int64_t fitting_micro_batch(const MemoryShortage& shortage, const ContrastiveOptions& options,
                                 std::int64_t parameter_bytes);

// The shortage with its remedy.
Error with_remedy(const MemoryShortage& shortage, const ContrastiveOptions& options, std::int64_t parameter_bytes);
Error with_remedy(const MemoryShortage& shortage, const SupervisedOptions& options);
// Of inference over so many images at once.
Error with_remedy(const MemoryShortage& shortage, std::int64_t images);

}  // namespace gyrus::train
