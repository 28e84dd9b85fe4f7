#include "binding/convert.h"

#include <array>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "binding/fields.h"
#include "binding/js_error.h"
#include "core/threads.h"

namespace gyrus::binding {
namespace {

constexpr std::int64_t kMaxSafeInteger = (std::int64_t{1} << 53) - 1;
constexpr std::int64_t kMaxExtent = std::numeric_limits<std::int32_t>::max();

train::Precision to_precision(const std::string& name) {
  if (name == "auto") return train::Precision::automatic;
  if (name == "f32") return train::Precision::f32;
  if (name == "bf16") return train::Precision::bf16;
  throw BadArgument(BadArgument::Kind::type, Code::invalid_argument,
                    text("precision must be 'auto', 'f32' or 'bf16', not '", name, "'"));
}

nn::MlpNorm to_mlp_norm(const std::string& name) {
  if (name == "batch_norm") return nn::MlpNorm::batch_norm;
  if (name == "layer_norm") return nn::MlpNorm::layer_norm;
  if (name == "none") return nn::MlpNorm::none;
  throw BadArgument(BadArgument::Kind::type, Code::invalid_argument,
                    text("the projector's norm must be 'batch_norm', 'layer_norm' or 'none', not '", name, "'"));
}

train::OptimizerOptions to_optimizer_options(Napi::Value value) {
  const Fields fields(value, "optimizer");
  return {.name = fields.string("name"),
          .weight_decay = fields.number("weightDecay"),
          .beta1 = fields.number("beta1"),
          .beta2 = fields.number("beta2"),
          .eps = fields.number("eps"),
          .momentum = fields.number("momentum"),
          .trust = fields.number("trust"),
          .nesterov = fields.boolean("nesterov"),
          .decays_vectors = fields.boolean("decaysVectors")};
}

Napi::Value to_js(Napi::Env env, const std::string& string) { return Napi::String::New(env, string); }

Napi::Value to_js(Napi::Env env, const train::LoadReport::Misshapen& entry) {
  auto object = Napi::Object::New(env);
  object.Set("name", entry.name);
  object.Set("expected", entry.expected);
  object.Set("found", entry.found);
  return object;
}

Napi::Value to_js(Napi::Env env, const io::IgnoredTensor& entry) {
  auto object = Napi::Object::New(env);
  object.Set("name", entry.name);
  object.Set("reason", entry.reason);
  return object;
}

template <class Entry>
Napi::Value list(Napi::Env env, const std::vector<Entry>& entries) {
  auto array = Napi::Array::New(env, entries.size());
  for (std::size_t at = 0; at < entries.size(); ++at)
    array.Set(static_cast<std::uint32_t>(at), to_js(env, entries[at]));
  return array;
}

}  // namespace

std::string describe(Napi::Value value) {
  static constexpr std::array<std::string_view, 11> kArrays = {
      "an Int8Array",  "a Uint8Array",   "a Uint8ClampedArray", "an Int16Array",   "a Uint16Array",   "an Int32Array",
      "a Uint32Array", "a Float32Array", "a Float64Array",      "a BigInt64Array", "a BigUint64Array"};
  if (value.IsEmpty() || value.IsUndefined()) return "undefined";
  if (value.IsNull()) return "null";
  if (value.IsTypedArray()) {
    const auto type = static_cast<std::size_t>(value.As<Napi::TypedArray>().TypedArrayType());
    return std::string(type < kArrays.size() ? kArrays[type] : "a typed array of another kind");
  }
  if (value.IsArray()) return "an array";
  if (value.IsPromise()) return "a promise (is an await missing?)";
  if (value.IsFunction()) return "a function";
  if (value.IsString()) return "a string";
  if (value.IsNumber()) return "a number";
  if (value.IsBoolean()) return "a boolean";
  return value.IsObject() ? "an object" : "a symbol or bigint";
}

std::string to_string_argument(Napi::Value value, std::string_view name) {
  if (!value.IsString()) refuse_value(name, "a string", value);
  std::string string = value.As<Napi::String>().Utf8Value();
  if (string.find('\0') != std::string::npos) {
    throw BadArgument(BadArgument::Kind::type, Code::invalid_argument, text(name, " must not hold a NUL character"));
  }
  return string;
}

std::int64_t to_integer(Napi::Value value, std::string_view name, std::int64_t least, std::int64_t most) {
  if (!value.IsNumber()) refuse_value(name, "a number", value);
  const double number = value.As<Napi::Number>().DoubleValue();
  const bool is_fine =
      std::trunc(number) == number && number >= static_cast<double>(least) && number <= static_cast<double>(most);
  if (!is_fine) {
    throw BadArgument(BadArgument::Kind::range, Code::invalid_argument,
                      text(name, " must be an integer from ", least, " to ", most, ", not ", number));
  }
  return static_cast<std::int64_t>(number);
}

std::vector<float> to_numbers(Napi::Value value, std::string_view name) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_float32_array) {
    refuse_value(name, "a Float32Array", value);
  }
  const auto array = value.As<Napi::Float32Array>();
  return {array.Data(), array.Data() + array.ElementLength()};
}

nn::EncoderOptions to_encoder_options(Napi::Value value) {
  const Fields fields(value, "encoder");
  return {.arch = fields.string("arch"),
          .image_height = fields.integer("imageHeight", 1, kMaxExtent),
          .image_width = fields.integer("imageWidth", 1, kMaxExtent),
          .channels = fields.integer("channels", 1, kMaxExtent),
          .heads = static_cast<int>(fields.integer("heads", 0, kMaxExtent)),
          .has_zero_init_residual = fields.boolean("hasZeroInitResidual"),
          .has_trainable_positions = fields.boolean("hasTrainablePositions"),
          .has_frozen_patch_projection = fields.boolean("hasFrozenPatchProjection")};
}

train::DeviceOptions to_device_options(Napi::Value value) {
  const Fields fields(value, "device");
  return {.device = fields.string("device"),
          .precision = to_precision(fields.string("precision")),
          .threads = static_cast<int>(fields.integer("threads", 0, kMostThreads))};
}

train::ContrastiveOptions to_contrastive_options(Napi::Value value) {
  const Fields fields(value, "options");
  return {.method = fields.string("method"),
          .encoder = to_encoder_options(fields.at("encoder")),
          .device = to_device_options(fields.at("device")),
          .optimizer = to_optimizer_options(fields.at("optimizer")),
          .batch_size = fields.integer("batchSize", 1, kMaxExtent),
          .micro_batch = fields.integer("microBatch", 0, kMaxExtent),
          .temperature = fields.number("temperature"),
          .projector_hidden = fields.integer("projectorHidden", 1, kMaxExtent),
          .projector_out = fields.integer("projectorOut", 1, kMaxExtent),
          .projector_norm = to_mlp_norm(fields.string("projectorNorm")),
          .seed = to_seed(value)};
}

train::SupervisedOptions to_supervised_options(Napi::Value value) {
  const Fields fields(value, "options");
  return {.encoder = to_encoder_options(fields.at("encoder")),
          .device = to_device_options(fields.at("device")),
          .optimizer = to_optimizer_options(fields.at("optimizer")),
          .batch_size = fields.integer("batchSize", 1, kMaxExtent),
          .classes = fields.integer("classes", 1, kMaxExtent),
          .label_smoothing = fields.number("labelSmoothing"),
          .class_weights = to_numbers(fields.at("classWeights"), "classWeights"),
          .has_mixup = fields.boolean("hasMixup"),
          .drop_path = fields.number("dropPath"),
          .layer_decay = fields.number("layerDecay"),
          .has_head_batch_norm = fields.boolean("hasHeadBatchNorm"),
          .is_backbone_frozen = fields.boolean("isBackboneFrozen"),
          .seed = to_seed(value)};
}

train::Metadata to_metadata(Napi::Value value, std::string_view name) {
  if (!value.IsObject()) refuse_value(name, "an object of strings", value);
  const auto object = value.As<Napi::Object>();
  const Napi::Array keys = object.GetPropertyNames();
  train::Metadata metadata;
  for (std::uint32_t at = 0; at < keys.Length(); ++at) {
    const std::string key = to_string_argument(keys.Get(at), name);
    metadata.emplace(key, to_string_argument(object.Get(key), text(name, ".", key)));
  }
  return metadata;
}

train::ExportForm to_export_form(Napi::Value value) {
  const std::string name = to_string_argument(value, "form");
  if (name == "torchvision") return train::ExportForm::torchvision;
  if (name == "timm") return train::ExportForm::timm;
  if (name == "mocov3") return train::ExportForm::mocov3;
  if (name == "onnx") return train::ExportForm::onnx;
  throw BadArgument(BadArgument::Kind::type, Code::invalid_argument,
                    text("form must be 'torchvision', 'timm', 'mocov3' or 'onnx', not '", name, "'"));
}

train::StepHyper to_step_hyper(Napi::Value value) {
  const Fields fields(value, "hyper");
  return {.lr = fields.number("lr"), .momentum = fields.number("momentum"), .mix = fields.number("mix")};
}

std::string to_weights_path(Napi::Value value) { return Fields(value, "options").string("weights"); }

std::uint64_t to_seed(Napi::Value value) {
  return static_cast<std::uint64_t>(Fields(value, "options").integer("seed", 0, kMaxSafeInteger));
}

Napi::Value to_js(Napi::Env env, const train::SessionInfo& info) {
  auto object = Napi::Object::New(env);
  object.Set("device", info.device);
  object.Set("deviceReason", info.device_reason);
  object.Set("precision", info.precision);
  object.Set("threads", info.threads);
  object.Set("featureDim", static_cast<double>(info.feature_dim));
  object.Set("parameterCount", static_cast<double>(info.parameter_count));
  object.Set("parameterBytes", static_cast<double>(info.parameter_bytes));
  object.Set("arenaBytes", static_cast<double>(info.arena_bytes));
  return object;
}

Napi::Value to_js(Napi::Env env, const train::LoadReport& report) {
  auto object = Napi::Object::New(env);
  object.Set("matched", list(env, report.matched));
  object.Set("missing", list(env, report.missing));
  object.Set("unexpected", list(env, report.unexpected));
  object.Set("misshapen", list(env, report.misshapen));
  object.Set("adapted", list(env, report.adapted));
  object.Set("folded", list(env, report.folded));
  object.Set("ignored", list(env, report.ignored));
  object.Set("form", Napi::String::New(env, report.form));
  return object;
}

Napi::Value to_js(Napi::Env env, const train::StepResult& result) {
  auto object = Napi::Object::New(env);
  object.Set("loss", result.loss);
  object.Set("hits", result.hits);
  object.Set("seconds", result.seconds);
  return object;
}

Napi::Value to_js(Napi::Env env, const std::vector<runtime::KernelTime>& times) {
  auto array = Napi::Array::New(env, times.size());
  for (std::size_t i = 0; i < times.size(); ++i) {
    auto object = Napi::Object::New(env);
    object.Set("name", times[i].name);
    object.Set("kind", std::string(name_of(times[i].kind)));
    object.Set("seconds", times[i].seconds);
    object.Set("flops", times[i].work.flops);
    object.Set("bytes", times[i].work.bytes);
    array.Set(static_cast<std::uint32_t>(i), object);
  }
  return array;
}

}  // namespace gyrus::binding
