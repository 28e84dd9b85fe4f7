#include "binding/supervised_wrap.h"

#include <memory>
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
       InstanceMethod("profile", &SupervisedWrap::profile), InstanceMethod("predict", &SupervisedWrap::predict),
       InstanceMethod("load", &SupervisedWrap::load), InstanceMethod("loadBackbone", &SupervisedWrap::load_backbone),
       InstanceMethod("setClassifier", &SupervisedWrap::set_classifier), InstanceMethod("save", &SupervisedWrap::save),
       InstanceMethod("exportAs", &SupervisedWrap::export_as), InstanceMethod("loadState", &SupervisedWrap::load_state),
       InstanceMethod("saveState", &SupervisedWrap::save_state), InstanceMethod("dispose", &SupervisedWrap::dispose)});
}

Napi::Value SupervisedWrap::open(const Napi::CallbackInfo& info) { return open_with(info, &to_supervised_options); }

void SupervisedWrap::opened() {
  session().while_waiting([this] { core().prepare_next(); });
}

Napi::Value SupervisedWrap::step(const Napi::CallbackInfo& info) { return start_step(info); }
Napi::Value SupervisedWrap::profile(const Napi::CallbackInfo& info) { return start_profile(info); }

// predict(x, logits, ticket): any number of images, and room for as many rows of logits.
Napi::Value SupervisedWrap::predict(const Napi::CallbackInfo& info) {
  return start_job(info, core(), Call::use, 2, [&](AsyncJob& job) {
    const auto x = job.lease_f32(info[0], "x");
    const auto logits = job.lease_output_f32(info[1], "logits");
    const nn::EncoderOptions& encoder = options().encoder;
    const Shape image{encoder.channels, encoder.image_height, encoder.image_width};
    const auto elements = static_cast<std::size_t>(image.elements());
    if (x.size() % elements != 0) {
      throw BadArgument(BadArgument::Kind::range, Code::shape,
                        text("x has ", x.size(), " elements, which is not a whole number of images ", image, " of ",
                             elements, " elements each"));
    }
    const auto count = static_cast<std::int64_t>(x.size() / elements);
    check_count("logits", logits.size(), count * options().classes, "images x classes");
    job.set([this, x, count, logits](const runtime::Stop& stop) {
      session().predict(x.data(), count, logits.data(), stop);
    });
  });
}

// loadBackbone(path) -> LoadReport
Napi::Value SupervisedWrap::load_backbone(const Napi::CallbackInfo& info) {
  return start_job(info, core(), Call::use, kNoTicket, [&](AsyncJob& job) {
    job.set([this, path = to_string_argument(info[0], "path")](
                const runtime::Stop&) { return session().load_backbone(path); },
            [](Napi::Env env, const train::LoadReport& report) { return to_js(env, report); });
  });
}

// setClassifier(weights, bias)
Napi::Value SupervisedWrap::set_classifier(const Napi::CallbackInfo& info) {
  return start_job(info, core(), Call::use, kNoTicket, [&](AsyncJob& job) {
    const auto weights = job.lease_f32(info[0], "weights"), bias = job.lease_f32(info[1], "bias");
    check_count("bias", bias.size(), options().classes, "classes");
    check_count("weights", weights.size(), options().classes * nn::feature_dim(options().encoder),
                "classes x featureDim");
    job.set([this, weights, bias](const runtime::Stop&) { session().set_classifier(weights, bias); });
  });
}

// exportAs(path, form, channels)
Napi::Value SupervisedWrap::export_as(const Napi::CallbackInfo& info) {
  return start_job(info, core(), Call::use, kNoTicket, [&](AsyncJob& job) {
    job.set([this, path = to_string_argument(info[0], "path"), form = to_export_form(info[1]),
             channels = to_integer(info[2], "channels", 1, 3)](const runtime::Stop&) {
      session().export_as(path, form, channels);
    });
  });
}

// loadState(path)
Napi::Value SupervisedWrap::load_state(const Napi::CallbackInfo& info) {
  return start_job(info, core(), Call::use, kNoTicket, [&](AsyncJob& job) {
    job.set([this, path = to_string_argument(info[0], "path")](const runtime::Stop&) { session().load_state(path); });
  });
}

// saveState(path)
Napi::Value SupervisedWrap::save_state(const Napi::CallbackInfo& info) {
  return start_job(info, core(), Call::use, kNoTicket, [&](AsyncJob& job) {
    job.set([this, path = to_string_argument(info[0], "path")](const runtime::Stop&) { session().save_state(path); });
  });
}

SupervisedWrap::Step SupervisedWrap::read_step(AsyncJob& job, const Napi::CallbackInfo& info) {
  const train::StepHyper hyper = to_step_hyper(info[2]);
  const auto x = lease_images(job, info[0], "x", options().batch_size);
  const auto labels = job.lease_i32(info[1], "labels");
  check_count("labels", labels.size(), options().batch_size, "batchSize");
  // Of a step that was called while another runs, the images travel to a device meanwhile.
  const auto prefetched = std::make_shared<std::uint64_t>(0);
  job.set_preparation([this, x, hyper, prefetched] { *prefetched = session().prefetch(x.data(), hyper); });
  return [this, x, labels = checked_labels(labels, options().classes), hyper, prefetched](
             const runtime::Stop& stop, std::vector<runtime::KernelTime>* times) {
    return session().step(x.data(), labels.data(), hyper, stop, times, *prefetched);
  };
}

}  // namespace gyrus::binding
