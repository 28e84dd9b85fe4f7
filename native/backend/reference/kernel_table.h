// Maps each kind of operation to its naive function.
#pragma once

#include "backend/reference/naive.h"

namespace gyrus::backend::reference {

NaiveFunction naive_function(graph::OpKind kind);

}  // namespace gyrus::backend::reference
