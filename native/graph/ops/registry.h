// The definitions of all ops, one object a kind, each in the file of its family; read through op_def(kind).
#pragma once

#include "graph/op_def.h"

namespace gyrus::graph::defs {

#define GYRUS_DECLARE_OP_DEF(name) extern const OpDef name;
GYRUS_OP_KINDS(GYRUS_DECLARE_OP_DEF)
#undef GYRUS_DECLARE_OP_DEF

}  // namespace gyrus::graph::defs
