// JS face of train::ContrastiveSession: new ContrastiveTrainer(); open(options, ticket); step(x1, x2, hyper, ticket);
// profile, which takes the same arguments; rehearse, contrast, accumulate; openFeed, stepFed, rehearseFed,
// accumulateFed; load, save, loadState, saveState, saveBackbone, health, dispose.
#pragma once

#include "binding/session_wrap.h"

namespace gyrus::binding {

class ContrastiveWrap : public TrainerWrap<ContrastiveWrap, train::ContrastiveSession, train::ContrastiveOptions> {
 public:
  static Napi::Function define(Napi::Env env);
  using TrainerWrap::TrainerWrap;

 private:
  Napi::Value open(const Napi::CallbackInfo& info);
  Napi::Value step(const Napi::CallbackInfo& info);
  Napi::Value profile(const Napi::CallbackInfo& info);
  Napi::Value rehearse(const Napi::CallbackInfo& info);
  Napi::Value contrast(const Napi::CallbackInfo& info);
  Napi::Value accumulate(const Napi::CallbackInfo& info);
  Napi::Value open_feed(const Napi::CallbackInfo& info);
  Napi::Value step_fed(const Napi::CallbackInfo& info);
  Napi::Value rehearse_fed(const Napi::CallbackInfo& info);
  Napi::Value accumulate_fed(const Napi::CallbackInfo& info);
  Napi::Value load_state(const Napi::CallbackInfo& info);
  Napi::Value save_state(const Napi::CallbackInfo& info);
  Napi::Value save_backbone(const Napi::CallbackInfo& info);
  Napi::Value health(const Napi::CallbackInfo& info);
  using Part = double (train::ContrastiveSession::*)(std::int64_t, const float*, const float*, const train::StepHyper&,
                                                     const train::Stop&, std::uint64_t);
  std::shared_ptr<std::uint64_t> prefetch_ahead(AsyncJob& job, std::span<const float> x1, std::span<const float> x2);
  Napi::Value start_part(const Napi::CallbackInfo& info, Part part);
  using FedPart = double (train::ContrastiveSession::*)(std::uint64_t, std::int64_t, const train::StepHyper&,
                                                        const train::Stop&);
  Napi::Value start_fed_part(const Napi::CallbackInfo& info, FedPart part);
  void opened() override;
  Step read_step(AsyncJob& job, const Napi::CallbackInfo& info) override;
};

}  // namespace gyrus::binding
