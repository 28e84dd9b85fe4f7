// readFigshare(path) -> promise of {label, patient, rows, columns, pixels, mask}: imaging::read_figshare.
#pragma once

#include <napi.h>

namespace gyrus::binding {

Napi::Value read_figshare(const Napi::CallbackInfo& info);

}  // namespace gyrus::binding
