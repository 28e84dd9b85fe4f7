// The only asynchronous pattern of the addon (one promise, one job on an engine thread):
//   begin   the session counts the call before any argument is read: getters may re-enter
//   read    arguments become plain structs; typed arrays are pinned and leased
//   work    on the engine thread; it touches no JS value
//   settle  on the JS thread: the result is built first, then the promise is settled, exactly once
// Whatever goes wrong on the way rejects the promise; a job that is destroyed unsettled rejects with Code::aborted.
#pragma once

#include <napi.h>

#include <exception>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "binding/session_core.h"
#include "binding/ticket.h"
#include "runtime/engine_thread.h"

namespace gyrus::binding {

class AsyncJob final : public runtime::EngineJob {
 public:
  // Begins the call; throws what SessionCore::begin() throws. `self` is kept alive until the job is destroyed.
  AsyncJob(Napi::Value self, SessionCore& core, Call call, std::shared_ptr<TicketState> ticket,
           const Napi::Promise::Deferred& deferred);
  ~AsyncJob() override;

  // A Float32Array that the job reads. BadArgument for anything else, and for memory that could move, shrink or be
  // written by another thread; Code::busy for memory that an earlier call still holds.
  std::span<const float> lease_f32(Napi::Value value, std::string_view name);
  // The same for labels and other small integers.
  std::span<const std::int32_t> lease_i32(Napi::Value value, std::string_view name);
  std::span<const std::uint8_t> lease_u8(Napi::Value value, std::string_view name);
  // The same of an array that the job writes.
  std::span<float> lease_output_f32(Napi::Value value, std::string_view name);
  // Keeps memory alive that JS cannot reach before the promise settles.
  template <class T>
  std::span<T> pin_output(Napi::TypedArrayOf<T> array) {
    pins_.push_back(Napi::Reference<Napi::ArrayBuffer>::New(array.ArrayBuffer(), 1));
    return {array.Data(), array.ElementLength()};
  }

  // What to do, and how its result becomes a JS value. `work`: (const Stop&) -> R or void; `to_js`: (Napi::Env, R&).
  template <class Work, class ToJs>
  void set(Work work, ToJs to_js);
  template <class Work>
  void set(Work work);

  // What may be done for it already, on the engine thread, while the job before it waits for a device.
  void set_preparation(std::function<void()> prepare) { prepare_ = std::move(prepare); }
  void prepare() override {
    if (prepare_) prepare_();
  }

  const std::shared_ptr<TicketState>& ticket() const { return ticket_; }
  void mark_submitted() { is_submitted_ = true; }
  // Settles by what the work left, or by `failure` if it is not null. Never throws.
  void settle(const std::exception_ptr& failure = nullptr) noexcept;

 private:
  void work(const runtime::Stop& stop) override { work_(stop); }
  void lease(Napi::Value value, std::string_view name, napi_typedarray_type type);
  void check_pins() const;
  void let_go(const std::exception_ptr& failure) noexcept;

  Napi::Env env_;
  SessionCore& core_;
  const Call call_;
  std::shared_ptr<TicketState> ticket_;
  Napi::Promise::Deferred deferred_;
  Napi::Reference<Napi::Value> self_;
  std::vector<Napi::Reference<Napi::ArrayBuffer>> pins_;
  std::function<void()> prepare_;
  std::function<void(const runtime::Stop&)> work_;
  std::function<Napi::Value(Napi::Env)> to_js_;
  bool is_submitted_ = false, is_settled_ = false, has_let_go_ = false;
};

template <class Work, class ToJs>
void AsyncJob::set(Work work, ToJs to_js) {
  using Result = std::invoke_result_t<Work&, const runtime::Stop&>;
  const auto result = std::make_shared<std::optional<Result>>();
  work_ = [work = std::move(work), result](const runtime::Stop& stop) mutable { result->emplace(work(stop)); };
  to_js_ = [to_js = std::move(to_js), result](Napi::Env env) mutable -> Napi::Value { return to_js(env, **result); };
}

template <class Work>
void AsyncJob::set(Work work) {
  work_ = std::move(work);
  to_js_ = [](Napi::Env env) { return env.Undefined(); };
}

// Which argument is the Ticket, when the method takes none.
constexpr std::size_t kNoTicket = std::numeric_limits<std::size_t>::max();

// Starts a call and returns its promise. `read` takes the arguments and calls job.set(); argument `ticket_at`, if there
// is one, is a Ticket or undefined.
Napi::Value start_job(const Napi::CallbackInfo& info, SessionCore& core, Call call, std::size_t ticket_at,
                      const std::function<void(AsyncJob&)>& read);

}  // namespace gyrus::binding
