// inspectWeights(encoder, path) -> promise of {form, channels, classes}: train::inspect_weights.
// weightMetadata(path) -> promise of {key: text, ...}: train::weight_metadata.
#pragma once

#include <napi.h>

namespace gyrus::binding {

Napi::Value inspect_weights(const Napi::CallbackInfo& info);
Napi::Value weight_metadata(const Napi::CallbackInfo& info);

}  // namespace gyrus::binding
