#include "backend/cpu/threads.h"

#include <omp.h>

namespace gyrus::backend::cpu {

void use_threads(int threads) {
  if (omp_get_max_threads() != threads) omp_set_num_threads(threads);
}

}  // namespace gyrus::backend::cpu
