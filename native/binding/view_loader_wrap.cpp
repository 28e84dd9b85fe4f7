#include "binding/view_loader_wrap.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>
#include <vector>

#include "binding/async_job.h"
#include "binding/convert.h"
#include "binding/feed_handle.h"
#include "binding/fields.h"
#include "binding/instance.h"
#include "binding/js_error.h"
#include "core/threads.h"

namespace gyrus::binding {
namespace {

constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t kMostSteps = std::int64_t{1} << 52U;
constexpr std::int64_t kMostPixels = 4096;

imaging::Range to_range(const Fields& fields, const char* low, const char* high) {
  return {fields.number(low), fields.number(high)};
}

imaging::ViewOptions to_view(Napi::Value value) {
  const Fields fields(value, "view");
  imaging::ViewOptions view;
  view.crop = to_range(fields, "cropLow", "cropHigh");
  view.bias_probability = fields.number("biasProbability");
  view.bias_strength = fields.number("biasStrength");
  view.gamma_probability = fields.number("gammaProbability");
  view.gamma = to_range(fields, "gammaLow", "gammaHigh");
  view.noise_probability = fields.number("noiseProbability");
  view.noise_std = fields.number("noiseStd");
  view.jitter_probability = fields.number("jitterProbability");
  view.brightness = fields.number("brightness");
  view.contrast = fields.number("contrast");
  view.blur_probability = fields.number("blurProbability");
  view.blur_sigma = to_range(fields, "blurLow", "blurHigh");
  view.solarize_probability = fields.number("solarizeProbability");
  view.flip_probability = fields.number("flipProbability");
  return view;
}

std::vector<std::uint32_t> to_rows(Napi::Value value) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_uint32_array) {
    refuse_value("rows", "a Uint32Array", value);
  }
  const auto rows = value.As<Napi::Uint32Array>();
  return {rows.Data(), rows.Data() + rows.ElementLength()};
}

// means, stds: of each channel, or one of all.
void read_normalizations(const Fields& fields, data::ViewLoaderOptions& options) {
  const std::vector<float> means = to_numbers(fields.at("means"), "means"),
                           stds = to_numbers(fields.at("stds"), "stds");
  if (means.empty() || means.size() != stds.size()) {
    throw BadArgument(BadArgument::Kind::range, Code::shape,
                      text("means has ", means.size(), " numbers, stds ", stds.size(), "; as many are expected"));
  }
  options.normalization = {means[0], stds[0]};
  for (std::size_t channel = 1; channel < means.size(); ++channel) {
    options.further_channels.push_back({means[channel], stds[channel]});
  }
}

data::ViewLoaderOptions to_options(Napi::Value value) {
  const Fields fields(value, "options");
  data::ViewLoaderOptions options;
  const Napi::Value shards = fields.at("shards");
  if (!shards.IsArray()) refuse_value("shards", "an array", shards);
  for (std::uint32_t i = 0; i < shards.As<Napi::Array>().Length(); ++i) {
    options.shards.push_back(to_string_argument(shards.As<Napi::Array>().Get(i), "shards"));
  }
  options.rows = to_rows(fields.at("rows"));
  options.image_size = static_cast<std::size_t>(fields.integer("imageSize", 1, kMostPixels));
  options.channels = static_cast<std::size_t>(fields.integer("channels", 1, 3));
  options.batch_size = static_cast<std::size_t>(fields.integer("batchSize", 1, kMost));
  options.seed = static_cast<std::uint64_t>(fields.integer("seed", 0, kMostSteps));
  options.threads = static_cast<int>(fields.integer("threads", 1, kMostThreads));
  read_normalizations(fields, options);
  options.views = {to_view(fields.at("view1")), to_view(fields.at("view2"))};
  return options;
}

void check_length(std::string_view name, std::size_t found, std::size_t expected) {
  if (found == expected) return;
  throw BadArgument(BadArgument::Kind::range, Code::shape,
                    text(name, " has ", found, " elements, ", expected, " are expected"));
}

}  // namespace

Napi::Function ViewLoaderWrap::define(Napi::Env env) {
  return DefineClass(
      env, "ViewLoader",
      {InstanceMethod("open", &ViewLoaderWrap::open), InstanceMethod("fill", &ViewLoaderWrap::fill),
       InstanceMethod("feed", &ViewLoaderWrap::feed), InstanceMethod("fillFirst", &ViewLoaderWrap::fill_first),
       InstanceMethod("rowsOf", &ViewLoaderWrap::rows_of), InstanceMethod("plain", &ViewLoaderWrap::plain),
       InstanceMethod("dispose", &ViewLoaderWrap::dispose)});
}

ViewLoaderWrap::ViewLoaderWrap(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<ViewLoaderWrap>(info), core_(Instance::of(info.Env())) {}

// open(options, ticket) -> {slices, samples, stepsPerEpoch, sliceSize}
Napi::Value ViewLoaderWrap::open(const Napi::CallbackInfo& info) {
  return start_job(info, core_, Call::open, 1, [&](AsyncJob& job) {
    data::ViewLoaderOptions options = to_options(info[0]);
    image_elements_ = options.channels * options.image_size * options.image_size;
    batch_elements_ = options.batch_size * image_elements_;
    job.set(
        [this, options = std::move(options)](const runtime::Stop& stop) {
          auto loader = std::make_unique<data::ViewLoader>(options);
          GYRUS_CHECK(!stop, Code::aborted, "the opening was cancelled");
          loader_ = std::move(loader);
          return loader_.get();
        },
        [](Napi::Env env, data::ViewLoader* loader) {
          auto object = Napi::Object::New(env);
          object.Set("slices", static_cast<double>(loader->shards().rows()));
          object.Set("samples", static_cast<double>(loader->sampler().samples()));
          object.Set("stepsPerEpoch", static_cast<double>(loader->sampler().steps_per_epoch()));
          object.Set("sliceSize", static_cast<double>(loader->shards().size()));
          return object;
        });
  });
}

// fill(step, x1, x2, part, parts, ticket) -> seconds of work
Napi::Value ViewLoaderWrap::fill(const Napi::CallbackInfo& info) {
  return start_job(info, core_, Call::use, 5, [&](AsyncJob& job) {
    const auto parts = static_cast<std::size_t>(to_integer(info[4], "parts", 1, kMost));
    const data::ViewLoader::Part part{static_cast<std::size_t>(to_integer(info[3], "part", 0, kMost)), parts};
    const auto step = static_cast<std::uint64_t>(to_integer(info[0], "step", 0, kMostSteps));
    const auto x1 = job.lease_output_f32(info[1], "x1"), x2 = job.lease_output_f32(info[2], "x2");
    check_length("x1", x1.size(), batch_elements_ / parts);
    check_length("x2", x2.size(), batch_elements_ / parts);
    if (x1.data() < x2.data() + x2.size() && x2.data() < x1.data() + x1.size()) {
      throw BadArgument(BadArgument::Kind::range, Code::invalid_argument,
                        "x1 and x2 must not share memory: each view has an array of its own");
    }
    job.set(
        [this, step, part, x1, x2](const runtime::Stop& stop) {
          const auto start = std::chrono::steady_clock::now();
          loader_->fill(step, part, x1, x2, stop);
          return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        },
        [](Napi::Env env, double seconds) { return Napi::Number::New(env, seconds); });
  });
}

// feed(step, feed, part, parts, ticket) -> seconds of work
Napi::Value ViewLoaderWrap::feed(const Napi::CallbackInfo& info) {
  return start_job(info, core_, Call::use, 4, [&](AsyncJob& job) {
    const auto parts = static_cast<std::size_t>(to_integer(info[3], "parts", 1, kMost));
    const data::ViewLoader::Part part{static_cast<std::size_t>(to_integer(info[2], "part", 0, kMost)), parts};
    const auto step = static_cast<std::uint64_t>(to_integer(info[0], "step", 0, kMostSteps));
    job.set(
        [this, step, part, state = FeedHandle::state_of(info[1])](const runtime::Stop& stop) {
          const auto start = std::chrono::steady_clock::now();
          const runtime::FeedTag tag{step, static_cast<std::int64_t>(part.number),
                                     static_cast<std::int64_t>(part.count)};
          state->feed()->fill(tag, [&](const train::ViewFeed::Slot& slot) {
            loader_->draw(step, part, slot.slices, {slot.plans1, slot.plans2}, stop);
          });
          return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        },
        [](Napi::Env env, double seconds) { return Napi::Number::New(env, seconds); });
  });
}

// fillFirst(step, x, ticket)
Napi::Value ViewLoaderWrap::fill_first(const Napi::CallbackInfo& info) {
  return start_job(info, core_, Call::use, 2, [&](AsyncJob& job) {
    const auto step = static_cast<std::uint64_t>(to_integer(info[0], "step", 0, kMostSteps));
    const auto x = job.lease_output_f32(info[1], "x");
    check_length("x", x.size(), batch_elements_);
    job.set([this, step, x](const runtime::Stop& stop) { loader_->fill_first(step, x, stop); });
  });
}

// rowsOf(step) -> Uint32Array
Napi::Value ViewLoaderWrap::rows_of(const Napi::CallbackInfo& info) {
  return start_job(info, core_, Call::use, kNoTicket, [&](AsyncJob& job) {
    const auto step = static_cast<std::uint64_t>(to_integer(info[0], "step", 0, kMostSteps));
    job.set(
        [this, step](const runtime::Stop&) {
          const auto rows = loader_->sampler().batch(step);
          return std::vector<std::uint32_t>(rows.begin(), rows.end());
        },
        [](Napi::Env env, const std::vector<std::uint32_t>& rows) {
          auto array = Napi::Uint32Array::New(env, rows.size());
          std::ranges::copy(rows, array.Data());
          return Napi::Value(env, array);
        });
  });
}

// plain(rows, side, x, ticket)
Napi::Value ViewLoaderWrap::plain(const Napi::CallbackInfo& info) {
  return start_job(info, core_, Call::use, 3, [&](AsyncJob& job) {
    std::vector<std::uint32_t> rows = to_rows(info[0]);
    if (!info[1].IsNumber()) refuse_value("side", "a number", info[1]);
    const float side = info[1].As<Napi::Number>().FloatValue();
    const auto x = job.lease_output_f32(info[2], "x");
    check_length("x", x.size(), rows.size() * image_elements_);
    job.set(
        [this, rows = std::move(rows), side, x](const runtime::Stop& stop) { loader_->plain(rows, side, x, stop); });
  });
}

Napi::Value ViewLoaderWrap::dispose(const Napi::CallbackInfo& info) {
  return start_job(info, core_, Call::dispose, kNoTicket,
                   [this](AsyncJob& job) { job.set([this](const runtime::Stop&) { loader_.reset(); }); });
}

}  // namespace gyrus::binding
