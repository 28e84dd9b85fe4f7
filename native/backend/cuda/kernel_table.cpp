#include "backend/cuda/kernel_table.h"

#include "backend/cuda/ops/makers.h"

namespace gyrus::backend::cuda {

// One row a kind, written by the list of kinds itself: a kind without a maker does not link.
KernelMaker kernel_maker(graph::OpKind kind) {
  switch (kind) {
#define GYRUS_MAKER_ROW(name) \
  case graph::OpKind::name:   \
    return make_##name;
    GYRUS_OP_KINDS(GYRUS_MAKER_ROW)
#undef GYRUS_MAKER_ROW
  }
  throw Error(Code::internal, text("the CUDA backend has no kernel for ", graph::name_of(kind)));
}

}  // namespace gyrus::backend::cuda
