// JS face of train::EncoderSession: new Encoder(); open(options, ticket); embed(x, ticket);
// embedFile(input, output, batchSize, ticket); save(path, form, channels); dispose().
#pragma once

#include "binding/session_wrap.h"

namespace gyrus::binding {

class EncoderWrap : public SessionWrap<EncoderWrap, train::EncoderSession> {
 public:
  static Napi::Function define(Napi::Env env);
  using SessionWrap::SessionWrap;

 private:
  Napi::Value open(const Napi::CallbackInfo& info);
  Napi::Value embed(const Napi::CallbackInfo& info);
  Napi::Value embed_file(const Napi::CallbackInfo& info);
  Napi::Value save(const Napi::CallbackInfo& info);

  Shape image_;                   // [C, H, W]
  std::int64_t feature_dim_ = 0;  // known once it is open
};

}  // namespace gyrus::binding
