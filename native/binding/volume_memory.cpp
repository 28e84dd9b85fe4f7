#include "binding/volume_memory.h"

#include "binding/convert.h"
#include "binding/fields.h"
#include "binding/instance.h"
#include "binding/js_error.h"

namespace gyrus::binding {
namespace {

constexpr std::int64_t kMostBytes = std::int64_t{1} << 53;  // JS's exact integers end there

// Marks the objects whose memory is a VolumeMemory, so that no other object is taken for one.
constexpr napi_type_tag kMemoryTag = {0x6779727573766f6cU, 0x6d656d2d76312e30U};

}  // namespace

Napi::Function VolumeMemory::define(Napi::Env env) {
  return DefineClass(env, "VolumeMemory", {InstanceMethod<&VolumeMemory::release>("release")});
}

VolumeMemory::VolumeMemory(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  throwing_js(info.Env(), *Instance::of(info.Env()), [&] {
    const Fields limits(info[0], "limits");
    pool_ = std::make_shared<imaging::BufferPool>(imaging::PoolLimits{.keep = limits.integer("keep", 0, kMostBytes),
                                                                      .most = limits.integer("most", 0, kMostBytes)});
  });
  info.This().As<Napi::Object>().TypeTag(&kMemoryTag);
}

void VolumeMemory::release(const Napi::CallbackInfo&) { pool_->clear(); }

std::shared_ptr<imaging::BufferPool> VolumeMemory::pool_of(Napi::Value value) {
  if (!value.IsObject() || !value.As<Napi::Object>().CheckTypeTag(&kMemoryTag)) {
    throw BadArgument(BadArgument::Kind::type, Code::invalid_argument,
                      text("the memory is ", describe(value), "; it must be a VolumeMemory"));
  }
  return Unwrap(value.As<Napi::Object>())->pool_;
}

}  // namespace gyrus::binding
