// An encoder's weights in the forms of other libraries.
#pragma once

#include <string>

#include "nn/encoder.h"
#include "runtime/parameter_store.h"
#include "train/network_facts.h"
#include "train/session_options.h"

namespace gyrus::train {

// Writes the file of that form; `more`: facts for its metadata beside network_facts(), safetensors only. Throws
// Code::invalid_argument where the library has no such network.
void export_encoder(const runtime::ParameterStore& store, const nn::EncoderOptions& encoder, const std::string& path,
                    ExportForm form, const Metadata& more);

}  // namespace gyrus::train
