#include "binding/moco_wrap.h"

namespace gyrus::binding {

Napi::Function MocoWrap::define(Napi::Env env) {
  return DefineClass(
      env, "MocoTrainer",
      {InstanceMethod("open", &MocoWrap::open), InstanceMethod("step", &MocoWrap::step),
       InstanceMethod("profile", &MocoWrap::profile), InstanceMethod("load", &MocoWrap::load),
       InstanceMethod("save", &MocoWrap::save), InstanceMethod("loadState", &MocoWrap::load_state),
       InstanceMethod("saveState", &MocoWrap::save_state), InstanceMethod("saveBackbone", &MocoWrap::save_backbone),
       InstanceMethod("health", &MocoWrap::health), InstanceMethod("dispose", &MocoWrap::dispose)});
}

Napi::Value MocoWrap::open(const Napi::CallbackInfo& info) { return open_with(info, &to_moco_options); }

Napi::Value MocoWrap::step(const Napi::CallbackInfo& info) { return start_step(info); }
Napi::Value MocoWrap::profile(const Napi::CallbackInfo& info) { return start_profile(info); }

// loadState(path)
Napi::Value MocoWrap::load_state(const Napi::CallbackInfo& info) {
  return start_job(info, core(), Call::use, kNoTicket, [&](AsyncJob& job) {
    job.set([this, path = to_string_argument(info[0], "path")](const runtime::Stop&) { session().load_state(path); });
  });
}

// saveState(path)
Napi::Value MocoWrap::save_state(const Napi::CallbackInfo& info) {
  return start_job(info, core(), Call::use, kNoTicket, [&](AsyncJob& job) {
    job.set([this, path = to_string_argument(info[0], "path")](const runtime::Stop&) { session().save_state(path); });
  });
}

// saveBackbone(path, channels)
Napi::Value MocoWrap::save_backbone(const Napi::CallbackInfo& info) {
  return start_job(info, core(), Call::use, kNoTicket, [&](AsyncJob& job) {
    job.set([this, path = to_string_argument(info[0], "path"), channels = to_integer(info[1], "channels", 1, 3)](
                const runtime::Stop&) { session().save_backbone(path, channels); });
  });
}

// health() -> EmbeddingHealth
Napi::Value MocoWrap::health(const Napi::CallbackInfo& info) {
  return start_job(info, core(), Call::use, kNoTicket, [&](AsyncJob& job) {
    job.set([this](const runtime::Stop&) { return session().health(); },
            [](Napi::Env env, const features::EmbeddingHealth& health) {
              auto object = Napi::Object::New(env);
              object.Set("std", health.std);
              object.Set("effectiveRank", health.effective_rank);
              object.Set("alignment", health.alignment);
              object.Set("uniformity", health.uniformity);
              return object;
            });
  });
}

MocoWrap::Step MocoWrap::read_step(AsyncJob& job, const Napi::CallbackInfo& info) {
  const train::StepHyper hyper = to_step_hyper(info[2]);
  const auto x1 = lease_images(job, info[0], "x1"), x2 = lease_images(job, info[1], "x2");
  return [this, x1, x2, hyper](const runtime::Stop& stop, std::vector<runtime::KernelTime>* times) {
    return session().step(x1.data(), x2.data(), hyper, stop, times);
  };
}

}  // namespace gyrus::binding
