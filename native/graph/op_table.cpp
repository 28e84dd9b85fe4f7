// Kind -> OpDef. Both the cases and the declarations come from the list in op_kind.h: a kind without a definition does
// not link.
#include "core/error.h"
#include "graph/op_def.h"
#include "graph/ops/registry.h"

namespace gyrus::graph {

const OpDef& op_def(OpKind kind) {
  switch (kind) {
#define GYRUS_OP_DEF(name) \
  case OpKind::name:       \
    return defs::name;
    GYRUS_OP_KINDS(GYRUS_OP_DEF)
#undef GYRUS_OP_DEF
  }
  fail_internal("kind is a number of the list in op_kind.h", __FILE__, __LINE__);
}

}  // namespace gyrus::graph
