// The random part of a view: everything that is drawn for it, as numbers that a CPU or a GPU then applies.
#pragma once

#include <cstddef>

#include "imaging/augment/view_options.h"
#include "math/view_plan.h"

namespace gyrus::imaging {

// `source_size`: pixels of a side of the slice. A pure function; a draw belongs to its step, so switching one step off
// changes no other.
math::ViewPlan plan_view(const ViewOptions& options, const ViewKey& key, std::size_t source_size);

}  // namespace gyrus::imaging
