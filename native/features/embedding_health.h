// Whether embeddings still tell images apart: four numbers that show a collapse long before the loss does.
#pragma once

#include <cstddef>
#include <span>

namespace gyrus::features {

// Of l2-normalised embeddings.
struct EmbeddingHealth {
  // Mean over the dimensions of the standard deviation over the batch, times sqrt(dim): 0 when all are alike, 1 when
  // they are spread over the whole sphere (Chen and He 2021, section 4.1).
  double std = 0;
  // exp of the entropy of the singular values' shares (Roy and Vetterli 2007; RankMe, Garrido et al. 2023): 1 to dim.
  double effective_rank = 0;
  // Mean squared distance of the two views of an image, 0 to 4 (Wang and Isola 2020, equation 3 with alpha 2).
  double alignment = 0;
  // Logarithm of the mean of exp(-2 d^2) over pairs of images, at most 0; lower is more uniform (their equation 5).
  double uniformity = 0;
};

// queries, keys [n, dim]: row i of both shows the same image. n >= 2. Pairs are those of the first 1024 rows.
EmbeddingHealth embedding_health(std::span<const float> queries, std::span<const float> keys, std::size_t dim);

}  // namespace gyrus::features
