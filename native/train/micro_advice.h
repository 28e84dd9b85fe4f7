// Which micro-batch would fit where a step in one piece does not.
#pragma once

#include <functional>
#include <string>

#include "train/session_options.h"

namespace gyrus::train {

// `make`: makes a session of these options and lets go of it; throws Code::out_of_memory where it does not fit. What it
// is asked for are divisors of the batch, each at most half of the one before: an arena grows with its images, so the
// first that fits is at least half of the largest. What to add to the error's message: that one, or that there is none.
std::string advise_micro_batch(const ContrastiveOptions& options,
                               const std::function<void(const ContrastiveOptions&)>& make);

}  // namespace gyrus::train
