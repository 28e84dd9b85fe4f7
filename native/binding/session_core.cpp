#include "binding/session_core.h"

#include <utility>

#include "binding/async_job.h"
#include "binding/js_error.h"

namespace gyrus::binding {
namespace {

// Failures after which nobody can say what state the session is in. All others leave it usable; so does a refused
// allocation where each call begins anew.
bool is_poison(Code code, bool begins_anew) {
  return code == Code::internal || (code == Code::out_of_memory && !begins_anew);
}

}  // namespace

SessionCore::SessionCore(std::shared_ptr<Instance> instance, bool is_ready)
    : instance_(std::move(instance)), begins_anew_(is_ready), state_(is_ready ? State::ready : State::empty) {
  instance_->add(this);
}

SessionCore::~SessionCore() {
  request_stop();
  join();
  instance_->remove(this);
}

void SessionCore::begin(Call call) {
  GYRUS_CHECK(!instance_->is_closed(), Code::aborted, "the environment is shutting down");
  GYRUS_CHECK(state_ != State::disposed, Code::disposed, "the object was disposed; create a new one");
  if (call != Call::dispose) {
    if (first_failure_) throw first_failure_->with_context("the object failed earlier; dispose of it");
    GYRUS_CHECK(unsettled_ < kMaxUnsettled, Code::busy, unsettled_,
                " calls are under way already (one at work, one waiting); await the first of them");
    GYRUS_ASSERT(state_ == (call == Call::open ? State::empty : State::ready));
  }
  instance_->job_started();
  ++unsettled_;
  if (call == Call::open) state_ = State::opening;
  if (call == Call::dispose) state_ = State::disposed;
}

void SessionCore::submit(std::unique_ptr<AsyncJob>& job, Call call) {
  // A getter among the arguments may have disposed of the object or ended the process meanwhile.
  GYRUS_CHECK(!instance_->is_closed(), Code::aborted, "the environment is shutting down");
  GYRUS_CHECK(call == Call::dispose || state_ != State::disposed, Code::disposed,
              "the object was disposed while the arguments were read");
  if (!thread_) {
    thread_ =
        std::make_unique<runtime::EngineThread>([instance = instance_.get()](std::unique_ptr<runtime::EngineJob> done) {
          // Only AsyncJobs are ever submitted, below.
          instance->deliver(std::unique_ptr<AsyncJob>(static_cast<AsyncJob*>(done.release())));
        });
  }
  std::unique_ptr<runtime::EngineJob> engine_job = std::move(job);
  const bool is_taken = call == Call::dispose ? thread_->submit_last(engine_job) : thread_->submit(engine_job);
  if (is_taken) return;
  job.reset(static_cast<AsyncJob*>(engine_job.release()));
  throw Error(Code::busy, "too many calls are under way already; await them first");
}

void SessionCore::end(Call call, bool is_begun, const std::exception_ptr& failure) noexcept {
  --unsettled_;
  instance_->job_ended();
  if (call == Call::dispose) {
    join();  // its last job has run: the thread is returning at this moment
    return;
  }
  if (failure != nullptr && (call == Call::open || is_begun)) {
    const Error error = to_engine_error(failure);
    if (!first_failure_ && (call == Call::open || is_poison(error.code(), begins_anew_))) first_failure_ = error;
  }
  if (state_ == State::disposed) return;
  if (first_failure_) {
    state_ = State::failed;
  } else if (call == Call::open) {
    state_ = State::ready;
  }
}

void SessionCore::request_stop() noexcept {
  if (thread_) thread_->request_stop();
}

void SessionCore::join() noexcept {
  if (thread_) thread_->join();
}

}  // namespace gyrus::binding
