// JS face of imaging::KspaceReader: new KspaceReader(); open(path, most, ticket), which tells the facts;
// read(slice, out, ticket); dispose().
#pragma once

#include <napi.h>

#include <memory>

#include "binding/session_core.h"
#include "imaging/kspace_reader.h"

namespace gyrus::binding {

class KspaceWrap : public Napi::ObjectWrap<KspaceWrap> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit KspaceWrap(const Napi::CallbackInfo& info);

 private:
  Napi::Value open(const Napi::CallbackInfo& info);
  Napi::Value read(const Napi::CallbackInfo& info);
  Napi::Value dispose(const Napi::CallbackInfo& info);

  std::int64_t slice_floats_ = 0;
  std::unique_ptr<imaging::KspaceReader> reader_;  // made, used and freed on the engine thread
  SessionCore core_;                               // after reader_: its destructor ends the thread first
};

}  // namespace gyrus::binding
