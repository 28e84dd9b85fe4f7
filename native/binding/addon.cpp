// What the addon exports; lib/native.ts declares the same as a TypeScript type and is its only importer.
#include <napi.h>

#include "binding/contrastive_wrap.h"
#include "binding/doctor.h"
#include "binding/encoder_wrap.h"
#include "binding/features.h"
#include "binding/feed_handle.h"
#include "binding/figshare.h"
#include "binding/instance.h"
#include "binding/kspace_wrap.h"
#include "binding/session_wrap.h"
#include "binding/supervised_wrap.h"
#include "binding/ticket.h"
#include "binding/view_loader_wrap.h"
#include "binding/volume_memory.h"
#include "binding/volume_wrap.h"
#include "binding/weight_facts.h"
#include "core/memory_stats.h"
#include "io/npy.h"

namespace gyrus::binding {
namespace {

// setErrorClass(GyrusError): the class of errors with a code, made by `new GyrusError(code, message)`.
void set_error_class(const Napi::CallbackInfo& info) {
  if (!info[0].IsFunction()) throw Napi::TypeError::New(info.Env(), "setErrorClass takes the class GyrusError");
  Instance::of(info.Env())->set_error_class(info[0].As<Napi::Function>());
}

// errorCodes() -> every code of core/error.h
Napi::Value error_codes(const Napi::CallbackInfo& info) {
  auto codes = Napi::Array::New(info.Env());
#define GYRUS_PUSH_CODE(name, js, what) codes.Set(codes.Length(), js);
  GYRUS_ERROR_CODES(GYRUS_PUSH_CODE)
#undef GYRUS_PUSH_CODE
  return codes;
}

// architectures() -> the names that encoders and trainers take
Napi::Value architectures(const Napi::CallbackInfo& info) {
  auto names = Napi::Array::New(info.Env());
  for (const std::string_view name : nn::architecture_names()) {
    names.Set(names.Length(), Napi::String::New(info.Env(), std::string(name)));
  }
  return names;
}

// memory() -> bytes that the engine holds in this process, all environments together
Napi::Value memory(const Napi::CallbackInfo& info) {
  const MemoryStats stats = memory_stats();
  auto object = Napi::Object::New(info.Env());
  object.Set("hostBytes", static_cast<double>(stats.host_bytes));
  object.Set("pinnedBytes", static_cast<double>(stats.pinned_bytes));
  object.Set("deviceBytes", static_cast<double>(stats.device_bytes));
  object.Set("peakHostBytes", static_cast<double>(stats.peak_host_bytes));
  object.Set("peakPinnedBytes", static_cast<double>(stats.peak_pinned_bytes));
  object.Set("peakDeviceBytes", static_cast<double>(stats.peak_device_bytes));
  return object;
}

// doctor() -> promise of a DoctorReport
Napi::Value doctor(const Napi::CallbackInfo& info) {
  return start_job(info, Instance::of(info.Env())->service(), Call::use, kNoTicket, [](AsyncJob& job) {
    job.set([](const runtime::Stop&) { return examine_machine(); },
            [](Napi::Env env, const DoctorReport& report) { return to_js(env, report); });
  });
}

// npyInfo(path) -> promise of {shape, dtype}
Napi::Value npy_info(const Napi::CallbackInfo& info) {
  struct Header {
    Shape shape;
    std::string dtype;
  };
  return start_job(info, Instance::of(info.Env())->service(), Call::use, kNoTicket, [&](AsyncJob& job) {
    job.set(
        [path = to_string_argument(info[0], "path")](const runtime::Stop&) {
          const io::NpyReader reader(path);
          return Header{reader.shape(), std::string(reader.dtype())};
        },
        [](Napi::Env env, const Header& header) {
          auto shape = Napi::Array::New(env);
          for (const std::int64_t extent : header.shape.extents()) {
            shape.Set(shape.Length(), static_cast<double>(extent));
          }
          auto object = Napi::Object::New(env);
          object.Set("shape", shape);
          object.Set("dtype", header.dtype);
          return object;
        });
  });
}

// addressWithin(buffer, unit) -> the address of an ArrayBuffer's memory modulo `unit`
Napi::Value address_within(const Napi::CallbackInfo& info) {
  const std::uint32_t unit = info[1].IsNumber() ? info[1].As<Napi::Number>().Uint32Value() : 0;
  if (!info[0].IsArrayBuffer() || unit == 0) {
    throw Napi::TypeError::New(info.Env(), "addressWithin takes an ArrayBuffer and a number");
  }
  const auto address = reinterpret_cast<std::uintptr_t>(info[0].As<Napi::ArrayBuffer>().Data());
  return Napi::Number::New(info.Env(), static_cast<double>(address % unit));
}

Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  Instance::attach(env);
  exports.Set("setErrorClass", Napi::Function::New<set_error_class>(env, "setErrorClass"));
  exports.Set("errorCodes", Napi::Function::New<error_codes>(env, "errorCodes"));
  exports.Set("architectures", Napi::Function::New<architectures>(env, "architectures"));
  exports.Set("memory", Napi::Function::New<memory>(env, "memory"));
  exports.Set("doctor", Napi::Function::New<doctor>(env, "doctor"));
  exports.Set("addressWithin", Napi::Function::New<address_within>(env, "addressWithin"));
  exports.Set("npyInfo", Napi::Function::New<npy_info>(env, "npyInfo"));
  exports.Set("imageEntropies", Napi::Function::New<image_entropies>(env, "imageEntropies"));
  exports.Set("readFigshare", Napi::Function::New<read_figshare>(env, "readFigshare"));
  exports.Set("readFigshareFolds", Napi::Function::New<read_figshare_folds>(env, "readFigshareFolds"));
  exports.Set("weightMetadata", Napi::Function::New<weight_metadata>(env, "weightMetadata"));
  exports.Set("inspectWeights", Napi::Function::New<inspect_weights>(env, "inspectWeights"));
  exports.Set("nearestNeighbours", Napi::Function::New<nearest_neighbours>(env, "nearestNeighbours"));
  exports.Set("linearProbe", Napi::Function::New<linear_probe>(env, "linearProbe"));
  exports.Set("Ticket", Ticket::define(env));
  exports.Set("Encoder", EncoderWrap::define(env));
  exports.Set("ContrastiveTrainer", ContrastiveWrap::define(env));
  exports.Set("SupervisedTrainer", SupervisedWrap::define(env));
  exports.Set("KspaceReader", KspaceWrap::define(env));
  exports.Set("ViewFeed", FeedHandle::define(env));
  exports.Set("ViewLoader", ViewLoaderWrap::define(env));
  exports.Set("VolumeMemory", VolumeMemory::define(env));
  exports.Set("VolumeReader", VolumeWrap::define(env));
  return exports;
}

NODE_API_MODULE(gyrus, initialize)

}  // namespace
}  // namespace gyrus::binding
