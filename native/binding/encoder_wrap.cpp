#include "binding/encoder_wrap.h"

#include "binding/batch_limit.h"
#include "binding/embed_file.h"

namespace gyrus::binding {

Napi::Function EncoderWrap::define(Napi::Env env) {
  return DefineClass(env, "Encoder",
                     {InstanceMethod("open", &EncoderWrap::open), InstanceMethod("embed", &EncoderWrap::embed),
                      InstanceMethod("embedFile", &EncoderWrap::embed_file), InstanceMethod("save", &EncoderWrap::save),
                      InstanceMethod("dispose", &EncoderWrap::dispose)});
}

Napi::Value EncoderWrap::open(const Napi::CallbackInfo& info) {
  return start_job(info, core(), Call::open, 1, [&](AsyncJob& job) {
    const auto options = info[0].As<Napi::Object>();
    const nn::EncoderOptions encoder = to_encoder_options(options.Get("encoder"));
    image_ = Shape{encoder.channels, encoder.image_height, encoder.image_width};
    (void)checked_batch_elements({1, encoder.channels, encoder.image_height, encoder.image_width});
    job.set(
        [this, encoder, device = to_device_options(options.Get("device")), weights = to_weights_path(options),
         seed = to_seed(options)](const runtime::Stop& stop) {
          adopt(train::EncoderSession::create(encoder, device, weights, seed), stop);
          return Opened{session().info(), session().load_report()};
        },
        [this](Napi::Env env, const Opened& opened) {
          feature_dim_ = opened.info.feature_dim;
          auto object = Napi::Object::New(env);
          object.Set("info", to_js(env, opened.info));
          object.Set("loadReport", to_js(env, opened.report));
          return object;
        });
  });
}

Napi::Value EncoderWrap::embed(const Napi::CallbackInfo& info) {
  return start_job(info, core(), Call::use, 1, [&](AsyncJob& job) {
    const auto x = job.lease_f32(info[0], "x");
    const auto elements = static_cast<std::size_t>(image_.elements());
    if (x.size() % elements != 0) {
      throw BadArgument(BadArgument::Kind::range, Code::shape,
                        text("x has ", x.size(), " elements, which is not a whole number of images ", image_, " of ",
                             elements, " elements each"));
    }
    const std::size_t count = x.size() / elements;
    const auto features = Napi::Float32Array::New(info.Env(), count * static_cast<std::size_t>(feature_dim_));
    // Kept by reference, as JS sees it only when the promise settles.
    const auto kept =
        std::make_shared<Napi::Reference<Napi::Float32Array>>(Napi::Reference<Napi::Float32Array>::New(features, 1));
    job.set(
        [this, x, count, out = job.pin_output(features)](const runtime::Stop& stop) {
          session().embed(x.data(), static_cast<std::int64_t>(count), out.data(), stop);
          return true;
        },
        [kept](Napi::Env env, bool) { return Napi::Value(env, kept->Value()); });
  });
}

Napi::Value EncoderWrap::embed_file(const Napi::CallbackInfo& info) {
  return start_job(info, core(), Call::use, 3, [&](AsyncJob& job) {
    EmbedFileRequest request{
        .input = to_string_argument(info[0], "input"),
        .output = to_string_argument(info[1], "output"),
        .batch_size = to_integer(info[2], "batchSize", 1, std::numeric_limits<std::int32_t>::max()),
        .image = image_,
        .feature_dim = feature_dim_};
    job.set([this, request = std::move(request), ticket = job.ticket()](
                const runtime::Stop& stop) { return binding::embed_file(session(), request, *ticket, stop); },
            [](Napi::Env env, std::int64_t count) { return Napi::Number::New(env, static_cast<double>(count)); });
  });
}

// save(path, form, channels, metadata)
Napi::Value EncoderWrap::save(const Napi::CallbackInfo& info) {
  return start_job(info, core(), Call::use, kNoTicket, [&](AsyncJob& job) {
    job.set([this, path = to_string_argument(info[0], "path"), form = to_export_form(info[1]),
             channels = to_integer(info[2], "channels", 1, 3), more = to_metadata(info[3], "metadata")](
                const runtime::Stop&) { session().save(path, form, channels, more); });
  });
}

}  // namespace gyrus::binding
