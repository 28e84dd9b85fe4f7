// inspectWeights(encoder, path) -> promise of {form, channels, classes}: train::inspect_weights.
#pragma once

#include <napi.h>

namespace gyrus::binding {

Napi::Value inspect_weights(const Napi::CallbackInfo& info);

}  // namespace gyrus::binding
