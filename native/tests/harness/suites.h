// The one list of suites: add a row here and define `void <row>(Suite&)` in a file under native/tests.
#pragma once

#include "tests/harness/tap.h"

namespace gyrus::tests {

#define GYRUS_TEST_SUITES(X)  \
  X(harness)                  \
  X(philox)                   \
  X(dtype)                    \
  X(shape)                    \
  X(threads)                  \
  X(memory_limits)            \
  X(engine_thread)            \
  X(device_run)               \
  X(device_feed)              \
  X(device_images)            \
  X(graph_passes)             \
  X(lowering)                 \
  X(sessions)                 \
  X(device_sessions)          \
  X(device_views)             \
  X(device_memory)            \
  X(plan_intervals)           \
  X(op_table)                 \
  X(conv2d)                   \
  X(linear)                   \
  X(fused)                    \
  X(window_product)           \
  X(pack_pairs)               \
  X(batch_norm)               \
  X(layer_norm)               \
  X(elementwise)              \
  X(pooling)                  \
  X(attention)                \
  X(tokens)                   \
  X(loss)                     \
  X(optimizer)                \
  X(io_text)                  \
  X(io_stored_type)           \
  X(io_finite)                \
  X(io_file)                  \
  X(io_safetensors)           \
  X(io_safetensors_bad)       \
  X(io_npy)                   \
  X(io_weights_match)         \
  X(io_torch_file)            \
  X(io_torch_file_bad)        \
  X(io_weight_forms)          \
  X(io_hdf5)                  \
  X(io_hdf5_bad)              \
  X(golden_contrastive)       \
  X(golden_finetune)          \
  X(classifier)               \
  X(imaging_figshare)         \
  X(training_state)           \
  X(micro_step)               \
  X(imaging_augment)          \
  X(data_views)               \
  X(features)                 \
  X(features_solver)          \
  X(imaging_fastmri_file)     \
  X(io_corpus_replay)         \
  X(io_sha256)                \
  X(io_inflate)               \
  X(io_gzip)                  \
  X(imaging_orientation)      \
  X(imaging_nifti)            \
  X(imaging_nifti_packed)     \
  X(imaging_percentile)       \
  X(imaging_histogram)        \
  X(imaging_slice_statistics) \
  X(imaging_resample)         \
  X(imaging_transpose)        \
  X(imaging_volume_reader)    \
  X(imaging_buffer_pool)      \
  X(models)                   \
  X(golden_ops)               \
  X(golden_optimizers)        \
  X(golden_heads)             \
  X(golden_models)            \
  X(cuda_emulator)            \
  X(cuda_ways)                \
  X(cuda_products)            \
  X(cuda_convolutions)        \
  X(cuda_columns)             \
  X(cuda_plan_cache)          \
  X(cuda_judge)               \
  X(cuda_elementwise)         \
  X(cuda_batch_norm)          \
  X(cuda_layer_norm)          \
  X(cuda_attention)           \
  X(cuda_attention_choices)   \
  X(cuda_pooling)             \
  X(cuda_tokens)              \
  X(cuda_loss)                \
  X(cuda_optimizer)           \
  X(cuda_shapes)              \
  X(cuda_arenas)              \
  X(cuda_augment)             \
  X(cuda_engines)

#define GYRUS_DECLARE_SUITE(name) void name(Suite& suite);
namespace suites {
GYRUS_TEST_SUITES(GYRUS_DECLARE_SUITE)
}
#undef GYRUS_DECLARE_SUITE

}  // namespace gyrus::tests
