// MoCo v3 (Chen, Xie, He: "An Empirical Study of Training Self-Supervised Vision Transformers", ICCV 2021, algorithm 1;
// science.md B1-B3).
#pragma once

#include "train/method.h"

namespace gyrus::train {

// Parameters: base_encoder.* (with momentum copies), predictor.*; buffers: base_encoder.*, momentum_encoder.*,
// predictor.*. Embeddings: query1, query2 (trained), key1, key2.
const Method& moco_v3();

}  // namespace gyrus::train
