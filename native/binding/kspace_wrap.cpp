#include "binding/kspace_wrap.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <span>
#include <utility>

#include "binding/async_job.h"
#include "binding/convert.h"
#include "binding/js_error.h"

namespace gyrus::binding {
namespace {

constexpr std::int64_t kMaxIndex = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t kMostBytes = std::int64_t{1} << 53;  // JS's exact integers end there

template <class Numbers>
Napi::Array list_of(Napi::Env env, const Numbers& numbers) {
  auto list = Napi::Array::New(env);
  for (const auto number : numbers) list.Set(list.Length(), static_cast<double>(number));
  return list;
}

// Leaves the key out where there is no value.
template <class Value>
void set_if(Napi::Object& object, const char* key, const std::optional<Value>& value) {
  if (value) object.Set(key, *value);
}

Napi::Object to_js(Napi::Env env, const imaging::EncodingSpace& space) {
  auto object = Napi::Object::New(env);
  const auto& [x, y, z] = space.matrix;
  object.Set("matrix", list_of(env, std::array{x, y, z}));
  if (space.field_of_view) object.Set("fieldOfView", list_of(env, *space.field_of_view));
  return object;
}

Napi::Object to_js(Napi::Env env, const imaging::PhaseLimits& limits) {
  auto object = Napi::Object::New(env);
  object.Set("center", static_cast<double>(limits.center));
  object.Set("maximum", static_cast<double>(limits.maximum));
  object.Set("paddingLeft", static_cast<double>(limits.padding_left));
  object.Set("paddingRight", static_cast<double>(limits.padding_right));
  return object;
}

Napi::Object to_js(Napi::Env env, const imaging::SequenceParameters& sequence) {
  auto object = Napi::Object::New(env);
  object.Set("type", sequence.type);
  object.Set("repetitionTimes", list_of(env, sequence.repetition_times));
  object.Set("echoTimes", list_of(env, sequence.echo_times));
  object.Set("inversionTimes", list_of(env, sequence.inversion_times));
  object.Set("flipAngles", list_of(env, sequence.flip_angles));
  object.Set("echoSpacings", list_of(env, sequence.echo_spacings));
  return object;
}

Napi::Object to_js(Napi::Env env, const imaging::ScannerFacts& scanner) {
  auto object = Napi::Object::New(env);
  object.Set("vendor", scanner.vendor);
  object.Set("model", scanner.model);
  set_if(object, "fieldStrength", scanner.field_strength);
  if (scanner.channels) object.Set("channels", static_cast<double>(*scanner.channels));
  return object;
}

Napi::Object to_js(Napi::Env env, const imaging::IsmrmrdHeader& header) {
  auto object = Napi::Object::New(env);
  object.Set("encoded", to_js(env, header.encoded));
  object.Set("recon", to_js(env, header.recon));
  if (header.limits) object.Set("limits", to_js(env, *header.limits));
  object.Set("trajectory", header.trajectory);
  object.Set("protocol", header.protocol);
  object.Set("sequence", to_js(env, header.sequence));
  object.Set("scanner", to_js(env, header.scanner));
  return object;
}

Napi::Object to_js(Napi::Env env, const imaging::FastmriAttributes& attributes) {
  auto object = Napi::Object::New(env);
  set_if(object, "acquisition", attributes.acquisition);
  set_if(object, "patientId", attributes.patient_id);
  set_if(object, "max", attributes.max);
  set_if(object, "norm", attributes.norm);
  set_if(object, "acceleration", attributes.acceleration);
  return object;
}

Napi::Value to_js(Napi::Env env, const imaging::KspaceFacts& facts) {
  auto object = Napi::Object::New(env);
  object.Set("shape", list_of(env, facts.shape.extents()));
  if (facts.mask) {
    auto mask = Napi::Float32Array::New(env, facts.mask->size());
    std::ranges::copy(*facts.mask, mask.Data());
    object.Set("mask", mask);
  }
  if (facts.header) object.Set("header", to_js(env, *facts.header));
  object.Set("attributes", to_js(env, facts.attributes));
  return object;
}

}  // namespace

Napi::Function KspaceWrap::define(Napi::Env env) {
  return DefineClass(env, "KspaceReader",
                     {InstanceMethod("open", &KspaceWrap::open), InstanceMethod("read", &KspaceWrap::read),
                      InstanceMethod("dispose", &KspaceWrap::dispose)});
}

KspaceWrap::KspaceWrap(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<KspaceWrap>(info), core_(Instance::of(info.Env())) {}

Napi::Value KspaceWrap::open(const Napi::CallbackInfo& info) {
  return start_job(info, core_, Call::open, 2, [&](AsyncJob& job) {
    job.set(
        [this, path = to_string_argument(info[0], "path"),
         most = to_integer(info[1], "most", 0, kMostBytes)](const runtime::Stop& stop) {
          auto reader = std::make_unique<imaging::KspaceReader>(path, most);
          GYRUS_CHECK(!stop, Code::aborted, "the opening was cancelled");
          reader_ = std::move(reader);
          return reader_->facts();
        },
        [this](Napi::Env env, const imaging::KspaceFacts& facts) {
          slice_floats_ = facts.slice_floats();
          return to_js(env, facts);
        });
  });
}

Napi::Value KspaceWrap::read(const Napi::CallbackInfo& info) {
  return start_job(info, core_, Call::use, 2, [&](AsyncJob& job) {
    const std::span<float> out = job.lease_output_f32(info[1], "out");
    if (static_cast<std::int64_t>(out.size()) != slice_floats_) {
      throw BadArgument(BadArgument::Kind::range, Code::shape,
                        text("out has ", out.size(), " elements, a slice of the k-space needs ", slice_floats_));
    }
    job.set([this, slice = to_integer(info[0], "slice", 0, kMaxIndex), out](const runtime::Stop& stop) {
      reader_->read(slice, out);
      GYRUS_CHECK(!stop, Code::aborted, "the reading was cancelled");
    });
  });
}

Napi::Value KspaceWrap::dispose(const Napi::CallbackInfo& info) {
  return start_job(info, core_, Call::dispose, kNoTicket,
                   [this](AsyncJob& job) { job.set([this](const runtime::Stop&) { reader_.reset(); }); });
}

}  // namespace gyrus::binding
