// What JS holds of a call under way: it can cancel it, and see how far it is. lib makes one for each call with a
// signal.
#pragma once

#include <napi.h>

#include <atomic>
#include <cstdint>
#include <memory>

#include "runtime/engine_thread.h"

namespace gyrus::binding {

struct TicketState {
  runtime::Stop stop{false};
  std::atomic<std::int64_t> done{0}, total{0};  // in images; 0 of 0 until it is known
};

class Ticket : public Napi::ObjectWrap<Ticket> {
 public:
  static Napi::Function define(Napi::Env env);
  // The state behind a Ticket, or a fresh one for undefined. BadArgument for anything else.
  static std::shared_ptr<TicketState> state_of(Napi::Value value);

  explicit Ticket(const Napi::CallbackInfo& info);

 private:
  void cancel(const Napi::CallbackInfo& info);
  Napi::Value progress(const Napi::CallbackInfo& info);  // {done, total}

  std::shared_ptr<TicketState> state_ = std::make_shared<TicketState>();
};

}  // namespace gyrus::binding
