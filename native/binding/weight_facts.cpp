#include "binding/weight_facts.h"

#include <map>
#include <string>

#include "binding/async_job.h"
#include "binding/convert.h"
#include "binding/instance.h"
#include "train/weight_facts.h"

namespace gyrus::binding {

Napi::Value inspect_weights(const Napi::CallbackInfo& info) {
  return start_job(info, Instance::of(info.Env())->service(), Call::use, kNoTicket, [&](AsyncJob& job) {
    job.set([encoder = to_encoder_options(info[0]), path = to_string_argument(info[1], "path")](
                const runtime::Stop&) { return train::inspect_weights(path, encoder); },
            [](Napi::Env env, const train::WeightFacts& facts) {
              auto object = Napi::Object::New(env);
              object.Set("form", facts.form);
              object.Set("channels", static_cast<double>(facts.channels));
              object.Set("classes", static_cast<double>(facts.classes));
              return object;
            });
  });
}

Napi::Value weight_metadata(const Napi::CallbackInfo& info) {
  return start_job(info, Instance::of(info.Env())->service(), Call::use, kNoTicket, [&](AsyncJob& job) {
    job.set([path = to_string_argument(info[0], "path")](const runtime::Stop&) { return train::weight_metadata(path); },
            [](Napi::Env env, const std::map<std::string, std::string>& metadata) {
              auto object = Napi::Object::New(env);
              for (const auto& [key, value] : metadata) object.Set(key, value);
              return object;
            });
  });
}

}  // namespace gyrus::binding
