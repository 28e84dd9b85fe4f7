#include "binding/supervised_wrap.h"

#include <vector>

namespace gyrus::binding {
namespace {

// Labels are few: they are checked here and copied, so that the engine never indexes by a value that changed since.
std::vector<std::int32_t> checked_labels(std::span<const std::int32_t> labels, std::int64_t classes) {
  for (std::size_t row = 0; row < labels.size(); ++row) {
    if (labels[row] >= 0 && labels[row] < classes) continue;
    throw BadArgument(
        BadArgument::Kind::range, Code::invalid_argument,
        text("labels[", row, "] is ", labels[row], "; with ", classes, " classes it must be from 0 to ", classes - 1));
  }
  return {labels.begin(), labels.end()};
}

}  // namespace

Napi::Function SupervisedWrap::define(Napi::Env env) {
  return DefineClass(
      env, "SupervisedTrainer",
      {InstanceMethod("open", &SupervisedWrap::open), InstanceMethod("step", &SupervisedWrap::step),
       InstanceMethod("profile", &SupervisedWrap::profile), InstanceMethod("load", &SupervisedWrap::load),
       InstanceMethod("save", &SupervisedWrap::save), InstanceMethod("dispose", &SupervisedWrap::dispose)});
}

Napi::Value SupervisedWrap::open(const Napi::CallbackInfo& info) { return open_with(info, &to_supervised_options); }

Napi::Value SupervisedWrap::step(const Napi::CallbackInfo& info) { return start_step(info); }
Napi::Value SupervisedWrap::profile(const Napi::CallbackInfo& info) { return start_profile(info); }

SupervisedWrap::Step SupervisedWrap::read_step(AsyncJob& job, const Napi::CallbackInfo& info) {
  const train::StepHyper hyper = to_step_hyper(info[2]);
  const auto x = lease_images(job, info[0], "x", options().batch_size);
  const auto labels = job.lease_i32(info[1], "labels");
  check_count("labels", labels.size(), options().batch_size, "batchSize");
  return [this, x, labels = checked_labels(labels, options().classes), hyper](const runtime::Stop& stop,
                                                                              std::vector<runtime::KernelTime>* times) {
    return session().step(x.data(), labels.data(), hyper, stop, times);
  };
}

}  // namespace gyrus::binding
