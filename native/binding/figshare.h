// readFigshare(path) -> promise of {label, patient, rows, columns, pixels, mask}: imaging::read_figshare.
// readFigshareFolds(path) -> promise of an Int32Array: imaging::read_figshare_folds.
#pragma once

#include <napi.h>

namespace gyrus::binding {

Napi::Value read_figshare(const Napi::CallbackInfo& info);
Napi::Value read_figshare_folds(const Napi::CallbackInfo& info);

}  // namespace gyrus::binding
