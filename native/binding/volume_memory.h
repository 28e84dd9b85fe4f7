// JS face of imaging::BufferPool: new VolumeMemory({keep, most}), in bytes; release(), which frees what is idle.
// Readers that are given it share it.
#pragma once

#include <napi.h>

#include <memory>

#include "imaging/buffer_pool.h"

namespace gyrus::binding {

class VolumeMemory : public Napi::ObjectWrap<VolumeMemory> {
 public:
  static Napi::Function define(Napi::Env env);
  // The pool behind a VolumeMemory. BadArgument for anything else.
  static std::shared_ptr<imaging::BufferPool> pool_of(Napi::Value value);

  explicit VolumeMemory(const Napi::CallbackInfo& info);

 private:
  void release(const Napi::CallbackInfo& info);

  std::shared_ptr<imaging::BufferPool> pool_;
};

}  // namespace gyrus::binding
