// What the wraps of the engine's sessions share: the session, its state machine, and the calls that all of them have.
#pragma once

#include <napi.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "binding/async_job.h"
#include "binding/batch_limit.h"
#include "binding/convert.h"
#include "binding/instance.h"
#include "binding/js_error.h"
#include "train/sessions.h"

namespace gyrus::binding {

template <class Derived, class Session>
class SessionWrap : public Napi::ObjectWrap<Derived> {
 public:
  explicit SessionWrap(const Napi::CallbackInfo& info)
      : Napi::ObjectWrap<Derived>(info), core_(Instance::of(info.Env())) {}

  // dispose(): after the calls before it, frees the session on its own thread and ends the thread.
  Napi::Value dispose(const Napi::CallbackInfo& info) {
    return start_job(info, core_, Call::dispose, kNoTicket,
                     [this](AsyncJob& job) { job.set([this](const runtime::Stop&) { session_.reset(); }); });
  }

 protected:
  // What the engine says of a session that was just made.
  struct Opened {
    train::SessionInfo info;
    train::LoadReport report;
  };

  SessionCore& core() { return core_; }
  // Engine thread; it is there from the opening to the disposal.
  Session& session() { return *session_; }
  // Engine thread. An opening that was cancelled meanwhile leaves nothing behind.
  void adopt(std::unique_ptr<Session> session, const runtime::Stop& stop) {
    GYRUS_CHECK(!stop, Code::aborted, "the opening was cancelled");
    session_ = std::move(session);
  }

  static void check_count(std::string_view name, std::size_t found, std::int64_t expected, std::string_view formula) {
    if (static_cast<std::int64_t>(found) == expected) return;
    throw BadArgument(BadArgument::Kind::range, Code::shape,
                      text(name, " has ", found, " elements; ", formula, " = ", expected, " are expected"));
  }

 private:
  std::unique_ptr<Session> session_;  // made, used and freed on the engine thread
  SessionCore core_;                  // after session_: its destructor ends the thread first
};

// The trainers add files, and the options that say what a batch is.
template <class Derived, class Session, class Options>
class TrainerWrap : public SessionWrap<Derived, Session> {
 public:
  using SessionWrap<Derived, Session>::SessionWrap;

  // load(path) -> LoadReport
  Napi::Value load(const Napi::CallbackInfo& info) {
    return start_job(info, this->core(), Call::use, kNoTicket, [&](AsyncJob& job) {
      job.set([this,
               path = to_string_argument(info[0], "path")](const runtime::Stop&) { return this->session().load(path); },
              [](Napi::Env env, const train::LoadReport& report) { return to_js(env, report); });
    });
  }

  // save(path)
  Napi::Value save(const Napi::CallbackInfo& info) {
    return start_job(info, this->core(), Call::use, kNoTicket, [&](AsyncJob& job) {
      job.set([this, path = to_string_argument(info[0], "path")](const runtime::Stop&) { this->session().save(path); });
    });
  }

 protected:
  Napi::Value open_with(const Napi::CallbackInfo& info, Options (*read_options)(Napi::Value)) {
    return start_job(info, this->core(), Call::open, 1, [&](AsyncJob& job) {
      options_ = read_options(info[0]);
      batch_elements_ = checked_batch_elements({options_.batch_size, options_.encoder.channels,
                                                options_.encoder.image_height, options_.encoder.image_width});
      job.set(
          [this, options = options_](const runtime::Stop& stop) {
            this->adopt(Session::create(options), stop);
            opened();
            return this->session().info();
          },
          [](Napi::Env env, const train::SessionInfo& session) { return to_js(env, session); });
    });
  }

  // Engine thread: the session is there.
  virtual void opened() {}
  // One step; the times of its kernels go where the pointer says, if it is not null.
  using Step = std::function<train::StepResult(const runtime::Stop&, std::vector<runtime::KernelTime>*)>;
  // Reads the arguments of step() and profile(); the images and labels are the trainer's own.
  virtual Step read_step(AsyncJob& job, const Napi::CallbackInfo& info) = 0;

  // step(x, target, hyper, ticket) -> StepResult
  Napi::Value start_step(const Napi::CallbackInfo& info) {
    return start_job(info, this->core(), Call::use, 3, [&](AsyncJob& job) {
      job.set([step = read_step(job, info)](const runtime::Stop& stop) { return step(stop, nullptr); },
              [](Napi::Env env, const train::StepResult& result) { return to_js(env, result); });
    });
  }

  // profile(x, target, hyper, ticket) -> [{name, kind, seconds, flops, bytes}]: the same step, and the time of each
  // kernel.
  Napi::Value start_profile(const Napi::CallbackInfo& info) {
    return start_job(info, this->core(), Call::use, 3, [&](AsyncJob& job) {
      job.set(
          [step = read_step(job, info)](const runtime::Stop& stop) {
            std::vector<runtime::KernelTime> times;
            step(stop, &times);
            return times;
          },
          [](Napi::Env env, const std::vector<runtime::KernelTime>& times) { return to_js(env, times); });
    });
  }

  const Options& options() const { return options_; }
  // Images, [count, C, H, W]: a batch, or a part of one.
  std::span<const float> lease_images(AsyncJob& job, Napi::Value value, std::string_view name, std::int64_t count) {
    const auto images = job.lease_f32(value, name);
    const std::int64_t elements = batch_elements_ / options_.batch_size * count;
    this->check_count(name, images.size(), elements,
                      text(count == options_.batch_size ? "batchSize" : "microBatch", " x channels x height x width"));
    return images;
  }

 private:
  Options options_;
  std::int64_t batch_elements_ = 0;
};

}  // namespace gyrus::binding
