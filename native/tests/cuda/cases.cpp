// The tables of cases of every backend, through the emulated CUDA kernels.
#include "tests/cases/cases.h"

#include "tests/cuda/emulated_backend.h"
#include "tests/harness/modes.h"
#include "tests/harness/suites.h"

namespace gyrus::tests::suites {

void cuda_attention(Suite& suite) { run_cases_on(suite, attention_cases(), *make_emulated_backend()); }
void cuda_batch_norm(Suite& suite) { run_cases_on(suite, batch_norm_cases(), *make_emulated_backend()); }
void cuda_elementwise(Suite& suite) {
  const auto backend = make_emulated_backend();
  run_cases_on(suite, elementwise_cases(), *backend);
  dropped_rows_on(suite, *backend);
}
void cuda_layer_norm(Suite& suite) { run_cases_on(suite, layer_norm_cases(), *make_emulated_backend()); }
void cuda_loss(Suite& suite) { run_cases_on(suite, loss_cases(), *make_emulated_backend()); }
void cuda_pooling(Suite& suite) { run_cases_on(suite, pooling_cases(), *make_emulated_backend()); }
void cuda_tokens(Suite& suite) { run_cases_on(suite, tokens_cases(), *make_emulated_backend()); }
void cuda_optimizer(Suite& suite) { optimizer_on(suite, *make_emulated_backend()); }

}  // namespace gyrus::tests::suites
