#include "binding/contrastive_wrap.h"

#include <limits>

#include "binding/feed_handle.h"
#include "binding/fields.h"

namespace gyrus::binding {
namespace {

constexpr std::int64_t kMostPixels = 65536;
constexpr std::int64_t kMostSteps = std::int64_t{1} << 52U;

train::FeedOptions to_feed_options(Napi::Value value) {
  const Fields fields(value, "options");
  return {fields.integer("sliceSize", 1, kMostPixels), fields.integer("imageSize", 1, kMostPixels),
          fields.integer("channels", 1, 3), fields.number("mean"), fields.number("std")};
}

std::uint64_t to_step(Napi::Value value) {
  return static_cast<std::uint64_t>(to_integer(value, "step", 0, kMostSteps));
}

}  // namespace

Napi::Function ContrastiveWrap::define(Napi::Env env) {
  return DefineClass(
      env, "ContrastiveTrainer",
      {InstanceMethod("open", &ContrastiveWrap::open), InstanceMethod("step", &ContrastiveWrap::step),
       InstanceMethod("profile", &ContrastiveWrap::profile), InstanceMethod("rehearse", &ContrastiveWrap::rehearse),
       InstanceMethod("contrast", &ContrastiveWrap::contrast),
       InstanceMethod("accumulate", &ContrastiveWrap::accumulate),
       InstanceMethod("openFeed", &ContrastiveWrap::open_feed), InstanceMethod("stepFed", &ContrastiveWrap::step_fed),
       InstanceMethod("rehearseFed", &ContrastiveWrap::rehearse_fed),
       InstanceMethod("accumulateFed", &ContrastiveWrap::accumulate_fed),
       InstanceMethod("load", &ContrastiveWrap::load), InstanceMethod("save", &ContrastiveWrap::save),
       InstanceMethod("loadState", &ContrastiveWrap::load_state),
       InstanceMethod("saveState", &ContrastiveWrap::save_state),
       InstanceMethod("saveBackbone", &ContrastiveWrap::save_backbone),
       InstanceMethod("health", &ContrastiveWrap::health), InstanceMethod("dispose", &ContrastiveWrap::dispose)});
}

Napi::Value ContrastiveWrap::open(const Napi::CallbackInfo& info) { return open_with(info, &to_contrastive_options); }

void ContrastiveWrap::opened() {
  session().while_waiting([this] { core().prepare_next(); });
}

Napi::Value ContrastiveWrap::step(const Napi::CallbackInfo& info) { return start_step(info); }
Napi::Value ContrastiveWrap::profile(const Napi::CallbackInfo& info) { return start_profile(info); }

// Of a call that waits while another runs, the views travel to a device meanwhile.
std::shared_ptr<std::uint64_t> ContrastiveWrap::prefetch_ahead(AsyncJob& job, std::span<const float> x1,
                                                               std::span<const float> x2) {
  auto prefetched = std::make_shared<std::uint64_t>(0);
  job.set_preparation([this, x1, x2, prefetched] { *prefetched = session().prefetch(x1.data(), x2.data()); });
  return prefetched;
}

Napi::Value ContrastiveWrap::start_part(const Napi::CallbackInfo& info, Part part) {
  return start_job(info, core(), Call::use, 4, [&](AsyncJob& job) {
    const std::int64_t number = to_integer(info[0], "part", 0, std::numeric_limits<std::int32_t>::max());
    const train::StepHyper hyper = to_step_hyper(info[3]);
    const std::int64_t images = options().micro_batch > 0 ? options().micro_batch : options().batch_size;
    const auto x1 = lease_images(job, info[1], "x1", images), x2 = lease_images(job, info[2], "x2", images);
    const auto prefetched = prefetch_ahead(job, x1, x2);
    job.set(
        [this, part, number, x1, x2, hyper, prefetched](const runtime::Stop& stop) {
          return (session().*part)(number, x1.data(), x2.data(), hyper, stop, *prefetched);
        },
        [](Napi::Env env, double seconds) { return Napi::Number::New(env, seconds); });
  });
}

// rehearse(part, x1, x2, hyper, ticket) -> seconds
Napi::Value ContrastiveWrap::rehearse(const Napi::CallbackInfo& info) {
  return start_part(info, &train::ContrastiveSession::rehearse);
}

// accumulate(part, x1, x2, hyper, ticket) -> seconds
Napi::Value ContrastiveWrap::accumulate(const Napi::CallbackInfo& info) {
  return start_part(info, &train::ContrastiveSession::accumulate);
}

// contrast(hyper, ticket) -> StepResult
Napi::Value ContrastiveWrap::contrast(const Napi::CallbackInfo& info) {
  return start_job(info, core(), Call::use, 1, [&](AsyncJob& job) {
    job.set(
        [this, hyper = to_step_hyper(info[0])](const runtime::Stop& stop) { return session().contrast(hyper, stop); },
        [](Napi::Env env, const train::StepResult& result) { return to_js(env, result); });
  });
}

// openFeed({sliceSize, imageSize, channels, mean, std}, feed, ticket): the feed is open then where the device has
// memory of its own
Napi::Value ContrastiveWrap::open_feed(const Napi::CallbackInfo& info) {
  return start_job(info, core(), Call::use, 2, [&](AsyncJob& job) {
    job.set([this, feed_options = to_feed_options(info[0]), state = FeedHandle::state_of(info[1])](
                const runtime::Stop&) { state->set(session().open_feed(feed_options)); });
  });
}

// stepFed(step, hyper, ticket) -> StepResult
Napi::Value ContrastiveWrap::step_fed(const Napi::CallbackInfo& info) {
  return start_job(info, core(), Call::use, 2, [&](AsyncJob& job) {
    job.set([this, step = to_step(info[0]), hyper = to_step_hyper(info[1])](
                const runtime::Stop& stop) { return session().step_fed(step, hyper, stop); },
            [](Napi::Env env, const train::StepResult& result) { return to_js(env, result); });
  });
}

Napi::Value ContrastiveWrap::start_fed_part(const Napi::CallbackInfo& info, FedPart part) {
  return start_job(info, core(), Call::use, 3, [&](AsyncJob& job) {
    const std::int64_t number = to_integer(info[1], "part", 0, std::numeric_limits<std::int32_t>::max());
    job.set([this, part, number, step = to_step(info[0]), hyper = to_step_hyper(info[2])](
                const runtime::Stop& stop) { return (session().*part)(step, number, hyper, stop); },
            [](Napi::Env env, double seconds) { return Napi::Number::New(env, seconds); });
  });
}

// rehearseFed(step, part, hyper, ticket) -> seconds
Napi::Value ContrastiveWrap::rehearse_fed(const Napi::CallbackInfo& info) {
  return start_fed_part(info, &train::ContrastiveSession::rehearse_fed);
}

// accumulateFed(step, part, hyper, ticket) -> seconds
Napi::Value ContrastiveWrap::accumulate_fed(const Napi::CallbackInfo& info) {
  return start_fed_part(info, &train::ContrastiveSession::accumulate_fed);
}

// loadState(path)
Napi::Value ContrastiveWrap::load_state(const Napi::CallbackInfo& info) {
  return start_job(info, core(), Call::use, kNoTicket, [&](AsyncJob& job) {
    job.set([this, path = to_string_argument(info[0], "path")](const runtime::Stop&) { session().load_state(path); });
  });
}

// saveState(path)
Napi::Value ContrastiveWrap::save_state(const Napi::CallbackInfo& info) {
  return start_job(info, core(), Call::use, kNoTicket, [&](AsyncJob& job) {
    job.set([this, path = to_string_argument(info[0], "path")](const runtime::Stop&) { session().save_state(path); });
  });
}

// saveBackbone(path, channels, metadata)
Napi::Value ContrastiveWrap::save_backbone(const Napi::CallbackInfo& info) {
  return start_job(info, core(), Call::use, kNoTicket, [&](AsyncJob& job) {
    job.set([this, path = to_string_argument(info[0], "path"), channels = to_integer(info[1], "channels", 1, 3),
             more = to_metadata(info[2], "metadata")](const runtime::Stop&) {
      session().save_backbone(path, channels, more);
    });
  });
}

// health() -> EmbeddingHealth
Napi::Value ContrastiveWrap::health(const Napi::CallbackInfo& info) {
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

ContrastiveWrap::Step ContrastiveWrap::read_step(AsyncJob& job, const Napi::CallbackInfo& info) {
  const train::StepHyper hyper = to_step_hyper(info[2]);
  const std::int64_t images = options().batch_size;
  const auto x1 = lease_images(job, info[0], "x1", images), x2 = lease_images(job, info[1], "x2", images);
  const auto prefetched = prefetch_ahead(job, x1, x2);
  return [this, x1, x2, hyper, prefetched](const runtime::Stop& stop, std::vector<runtime::KernelTime>* times) {
    return session().step(x1.data(), x2.data(), hyper, stop, times, *prefetched);
  };
}

}  // namespace gyrus::binding
