// Work in pieces over threads. What belongs to a piece depends on the work alone, so results do not depend on how many
// threads there are.
#pragma once

#include <cstddef>

namespace gyrus::features {

// body(piece) for each of [0, count), in any order.
template <class Body>
void for_pieces(std::size_t count, int threads, const Body& body) {
  if (threads <= 1 || count <= 1) {
    for (std::size_t piece = 0; piece < count; ++piece) body(piece);
    return;
  }
#pragma omp parallel for num_threads(threads) schedule(dynamic)
  for (std::size_t piece = 0; piece < count; ++piece) body(piece);
}

}  // namespace gyrus::features
