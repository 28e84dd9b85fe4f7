// Functions over features: what a user does with embeddings once they are there.
#pragma once

#include <napi.h>

namespace gyrus::binding {

// nearestNeighbours(bank, queries, {dim, k, excludesOwn}, ticket) -> promise of {indices, similarities}
Napi::Value nearest_neighbours(const Napi::CallbackInfo& info);

// linearProbe(train, labels, test, {dim, classes, l2, iterations}, ticket) -> promise of {logits, loss, iterations}
Napi::Value linear_probe(const Napi::CallbackInfo& info);

}  // namespace gyrus::binding
