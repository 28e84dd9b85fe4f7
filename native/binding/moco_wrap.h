// JS face of train::MocoSession: new MocoTrainer(); open(options, ticket); step(x1, x2, hyper, ticket); profile, which
// takes the same arguments; load, save, loadState, saveState, saveBackbone, health, dispose.
#pragma once

#include "binding/session_wrap.h"

namespace gyrus::binding {

class MocoWrap : public TrainerWrap<MocoWrap, train::MocoSession, train::MocoOptions> {
 public:
  static Napi::Function define(Napi::Env env);
  using TrainerWrap::TrainerWrap;

 private:
  Napi::Value open(const Napi::CallbackInfo& info);
  Napi::Value step(const Napi::CallbackInfo& info);
  Napi::Value profile(const Napi::CallbackInfo& info);
  Napi::Value load_state(const Napi::CallbackInfo& info);
  Napi::Value save_state(const Napi::CallbackInfo& info);
  Napi::Value save_backbone(const Napi::CallbackInfo& info);
  Napi::Value health(const Napi::CallbackInfo& info);
  Step read_step(AsyncJob& job, const Napi::CallbackInfo& info) override;
};

}  // namespace gyrus::binding
