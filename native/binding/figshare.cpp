#include "binding/figshare.h"

#include <algorithm>
#include <string>

#include "binding/async_job.h"
#include "binding/convert.h"
#include "binding/instance.h"
#include "imaging/figshare_file.h"

namespace gyrus::binding {

Napi::Value read_figshare(const Napi::CallbackInfo& info) {
  return start_job(info, Instance::of(info.Env())->service(), Call::use, kNoTicket, [&](AsyncJob& job) {
    job.set([path = to_string_argument(info[0], "path")](const runtime::Stop&) { return imaging::read_figshare(path); },
            [](Napi::Env env, const imaging::FigshareImage& image) {
              auto pixels = Napi::Float32Array::New(env, image.pixels.size());
              std::ranges::copy(image.pixels, pixels.Data());
              auto mask = Napi::Uint8Array::New(env, image.mask.size());
              std::ranges::copy(image.mask, mask.Data());
              auto object = Napi::Object::New(env);
              object.Set("label", image.label);
              object.Set("patient", image.patient);
              object.Set("rows", static_cast<double>(image.rows));
              object.Set("columns", static_cast<double>(image.columns));
              object.Set("pixels", pixels);
              object.Set("mask", mask);
              return object;
            });
  });
}

Napi::Value read_figshare_folds(const Napi::CallbackInfo& info) {
  return start_job(info, Instance::of(info.Env())->service(), Call::use, kNoTicket, [&](AsyncJob& job) {
    job.set([path = to_string_argument(info[0], "path")](
                const runtime::Stop&) { return imaging::read_figshare_folds(path); },
            [](Napi::Env env, const std::vector<std::int32_t>& folds) {
              auto array = Napi::Int32Array::New(env, folds.size());
              std::ranges::copy(folds, array.Data());
              return Napi::Value(env, array);
            });
  });
}

}  // namespace gyrus::binding
