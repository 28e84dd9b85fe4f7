#include "binding/moco_wrap.h"

namespace gyrus::binding {

Napi::Function MocoWrap::define(Napi::Env env) {
  return DefineClass(env, "MocoTrainer",
                     {InstanceMethod("open", &MocoWrap::open), InstanceMethod("step", &MocoWrap::step),
                      InstanceMethod("profile", &MocoWrap::profile), InstanceMethod("load", &MocoWrap::load),
                      InstanceMethod("save", &MocoWrap::save), InstanceMethod("dispose", &MocoWrap::dispose)});
}

Napi::Value MocoWrap::open(const Napi::CallbackInfo& info) { return open_with(info, &to_moco_options); }

Napi::Value MocoWrap::step(const Napi::CallbackInfo& info) { return start_step(info); }
Napi::Value MocoWrap::profile(const Napi::CallbackInfo& info) { return start_profile(info); }

MocoWrap::Step MocoWrap::read_step(AsyncJob& job, const Napi::CallbackInfo& info) {
  const train::StepHyper hyper = to_step_hyper(info[2]);
  const auto x1 = lease_images(job, info[0], "x1"), x2 = lease_images(job, info[1], "x2");
  return [this, x1, x2, hyper](const runtime::Stop& stop, std::vector<runtime::KernelTime>* times) {
    return session().step(x1.data(), x2.data(), hyper, stop, times);
  };
}

}  // namespace gyrus::binding
