// A network's weights in the forms of other libraries: an encoder, or an encoder with its classifier.
#pragma once

#include <string>

#include "nn/encoder.h"
#include "runtime/parameter_store.h"
#include "train/network_facts.h"
#include "train/session_options.h"

namespace gyrus::train {

struct ExportOptions {
  ExportForm form = ExportForm::timm;
  // Of the images that the file's reader has: the network's, or 3 for a network of one, whose stem is then given to
  // each channel by a third. A grey image thrice has the features then that it has once, but for rounding.
  std::int64_t channels = 3;
  std::int64_t classes = 0;  // of the classifier that goes along; 0: the encoder alone
};

// Writes the file of that form; `more`: facts for its metadata beside network_facts(), safetensors only. Throws
// Code::invalid_argument where the library has no such network, and for channels that the network cannot be given.
void export_network(const runtime::ParameterStore& store, const nn::EncoderOptions& encoder, const std::string& path,
                    const ExportOptions& options, const Metadata& more);

}  // namespace gyrus::train
