// JS values <-> plain structs. Types are strict: lib/ has validated and completed every object before it comes here, so
// a wrong field is a BadArgument that names it, never a default.
#pragma once

#include <napi.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "train/sessions.h"

namespace gyrus::binding {

// What a value is, in words for messages: "undefined", "a number", "a Float64Array". Runs no user code.
std::string describe(Napi::Value value);

std::string to_string_argument(Napi::Value value, std::string_view name);
// An object whose values are strings: what goes into a file's metadata.
train::Metadata to_metadata(Napi::Value value, std::string_view name);
// An integer in [least, most], which must be within JS's exact integers.
std::int64_t to_integer(Napi::Value value, std::string_view name, std::int64_t least, std::int64_t most);

// Of a Float32Array.
std::vector<float> to_numbers(Napi::Value value, std::string_view name);
nn::EncoderOptions to_encoder_options(Napi::Value value);
train::DeviceOptions to_device_options(Napi::Value value);
train::ContrastiveOptions to_contrastive_options(Napi::Value value);
train::SupervisedOptions to_supervised_options(Napi::Value value);
train::ExportForm to_export_form(Napi::Value value);
train::StepHyper to_step_hyper(Napi::Value value);
// The `weights` and `seed` of an encoder's options.
std::string to_weights_path(Napi::Value value);
std::uint64_t to_seed(Napi::Value value);

Napi::Value to_js(Napi::Env env, const train::SessionInfo& info);
Napi::Value to_js(Napi::Env env, const train::LoadReport& report);
Napi::Value to_js(Napi::Env env, const train::StepResult& result);
Napi::Value to_js(Napi::Env env, const std::vector<runtime::KernelTime>& times);

}  // namespace gyrus::binding
