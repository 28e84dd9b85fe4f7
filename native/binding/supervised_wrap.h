// JS face of train::SupervisedSession: new SupervisedTrainer(); open(options, ticket); step(x, labels, hyper, ticket);
// predict(x, logits, ticket); load, loadBackbone, setClassifier(weights, bias), save, loadState, saveState, dispose.
#pragma once

#include "binding/session_wrap.h"

namespace gyrus::binding {

class SupervisedWrap : public TrainerWrap<SupervisedWrap, train::SupervisedSession, train::SupervisedOptions> {
 public:
  static Napi::Function define(Napi::Env env);
  using TrainerWrap::TrainerWrap;

 private:
  Napi::Value open(const Napi::CallbackInfo& info);
  Napi::Value step(const Napi::CallbackInfo& info);
  Napi::Value profile(const Napi::CallbackInfo& info);
  Napi::Value predict(const Napi::CallbackInfo& info);
  Napi::Value load_backbone(const Napi::CallbackInfo& info);
  Napi::Value set_classifier(const Napi::CallbackInfo& info);
  Napi::Value export_as(const Napi::CallbackInfo& info);
  Napi::Value load_state(const Napi::CallbackInfo& info);
  Napi::Value save_state(const Napi::CallbackInfo& info);
  void opened() override;
  Step read_step(AsyncJob& job, const Napi::CallbackInfo& info) override;
};

}  // namespace gyrus::binding
