#include "binding/features.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "binding/async_job.h"
#include "binding/convert.h"
#include "binding/fields.h"
#include "binding/instance.h"
#include "features/linear_probe.h"
#include "features/nearest_neighbours.h"

namespace gyrus::binding {
namespace {

constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();

Napi::Value to_float32(Napi::Env env, const std::vector<float>& values) {
  auto array = Napi::Float32Array::New(env, values.size());
  std::ranges::copy(values, array.Data());
  return {env, array};
}

}  // namespace

Napi::Value nearest_neighbours(const Napi::CallbackInfo& info) {
  return start_job(info, Instance::of(info.Env())->service(), Call::use, 3, [&](AsyncJob& job) {
    const auto bank = job.lease_f32(info[0], "bank"), queries = job.lease_f32(info[1], "queries");
    const Fields fields(info[2], "options");
    const auto dim = static_cast<std::size_t>(fields.integer("dim", 1, kMost));
    const auto k = static_cast<std::size_t>(fields.integer("k", 1, kMost));
    const bool excludes_own = fields.boolean("excludesOwn");
    job.set(
        [=](const runtime::Stop& stop) {
          return features::nearest_neighbours(bank, queries, dim, k, excludes_own, stop);
        },
        [](Napi::Env env, const features::Neighbours& found) {
          auto indices = Napi::Int32Array::New(env, found.indices.size());
          std::ranges::copy(found.indices, indices.Data());
          auto object = Napi::Object::New(env);
          object.Set("indices", indices);
          object.Set("similarities", to_float32(env, found.similarities));
          return object;
        });
  });
}

Napi::Value linear_probe(const Napi::CallbackInfo& info) {
  return start_job(info, Instance::of(info.Env())->service(), Call::use, 4, [&](AsyncJob& job) {
    const auto train = job.lease_f32(info[0], "train"), test = job.lease_f32(info[2], "test");
    const auto labels = job.lease_i32(info[1], "labels");
    const Fields fields(info[3], "options");
    features::LinearProbeOptions options;
    options.dim = static_cast<std::size_t>(fields.integer("dim", 1, kMost));
    options.classes = static_cast<std::size_t>(fields.integer("classes", 2, kMost));
    options.l2 = fields.real("l2");
    options.iterations = static_cast<int>(fields.integer("iterations", 1, kMost));
    job.set([=](const runtime::Stop& stop) { return features::linear_probe(train, labels, test, options, stop); },
            [](Napi::Env env, const features::LinearProbeResult& result) {
              auto object = Napi::Object::New(env);
              object.Set("logits", to_float32(env, result.logits));
              object.Set("weights", to_float32(env, result.weights));
              object.Set("bias", to_float32(env, result.bias));
              object.Set("loss", result.loss);
              object.Set("iterations", result.iterations);
              return object;
            });
  });
}

}  // namespace gyrus::binding
