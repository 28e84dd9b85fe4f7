// SimCLR (Chen, Kornblith, Norouzi, Hinton: "A Simple Framework for Contrastive Learning of Visual Representations",
// ICML 2020), with the projector and the separate views of solo-learn, which the brain-MRI paper trained with.
#pragma once

#include "train/method.h"

namespace gyrus::train {

// Parameters and buffers: base_encoder.*. Embeddings: query1, query2, both trained.
const Method& simclr();

}  // namespace gyrus::train
