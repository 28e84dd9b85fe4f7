// The state machine that all sessions share, and the engine thread behind it. JS thread only.
//
//            open         use (embed, step, load, save)     dispose
//   empty    -> opening   internal                          -> disposed
//   opening  internal     internal                          -> disposed, after the opening
//   ready    internal     queued behind at most one other   -> disposed, after the jobs before it
//   failed   first cause  first cause                       -> disposed
//   disposed disposed     disposed                          disposed
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "binding/instance.h"
#include "core/error.h"
#include "runtime/engine_thread.h"

namespace gyrus::binding {

enum class Call : std::uint8_t { open, use, dispose };

class SessionCore {
 public:
  // Calls that may be unsettled at once: one at work, one waiting. A third is Code::busy.
  static constexpr int kMaxUnsettled = 2;

  // `is_ready`: there is nothing to open, and no call depends on what an earlier one left.
  explicit SessionCore(std::shared_ptr<Instance> instance, bool is_ready = false);
  ~SessionCore();
  SessionCore(const SessionCore&) = delete;
  SessionCore& operator=(const SessionCore&) = delete;

  Instance& instance() { return *instance_; }
  // Counts a call, before any of its arguments is read. Throws Code::busy, disposed, aborted, or the first failure.
  void begin(Call call);
  // Throws without taking the job when the engine thread cannot have it.
  void submit(std::unique_ptr<AsyncJob>& job, Call call);
  // Uncounts the call; `failure` is null when it succeeded. `is_begun`: it reached the engine thread.
  void end(Call call, bool is_begun, const std::exception_ptr& failure) noexcept;

  // Engine thread, from within a call: the call that waits next prepares itself.
  void prepare_next() noexcept { thread_->prepare_next(); }
  void request_stop() noexcept;
  void join() noexcept;

 private:
  enum class State : std::uint8_t { empty, opening, ready, failed, disposed };

  std::shared_ptr<Instance> instance_;
  const bool begins_anew_;
  State state_;
  int unsettled_ = 0;
  std::optional<Error> first_failure_;
  std::unique_ptr<runtime::EngineThread> thread_;
};

}  // namespace gyrus::binding
