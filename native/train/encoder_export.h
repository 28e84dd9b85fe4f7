// An encoder's weights in the forms of other libraries.
#pragma once

#include <string>

#include "nn/encoder.h"
#include "runtime/parameter_store.h"
#include "train/session_options.h"

namespace gyrus::train {

// Writes the file of that form. Throws Code::invalid_argument where the library has no such network.
void export_encoder(const runtime::ParameterStore& store, const nn::EncoderOptions& encoder, const std::string& path,
                    ExportForm form);

}  // namespace gyrus::train
