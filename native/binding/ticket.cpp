#include "binding/ticket.h"

#include "binding/convert.h"
#include "binding/js_error.h"

namespace gyrus::binding {
namespace {

// Marks the objects whose memory is a Ticket, so that no other object is taken for one.
constexpr napi_type_tag kTicketTag = {0x6779727573746963U, 0x6b65742d76312e30U};

}  // namespace

Napi::Function Ticket::define(Napi::Env env) {
  return DefineClass(env, "Ticket",
                     {InstanceMethod<&Ticket::cancel>("cancel"), InstanceMethod<&Ticket::progress>("progress")});
}

Ticket::Ticket(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  info.This().As<Napi::Object>().TypeTag(&kTicketTag);
}

std::shared_ptr<TicketState> Ticket::state_of(Napi::Value value) {
  if (value.IsUndefined()) return std::make_shared<TicketState>();
  if (!value.IsObject() || !value.As<Napi::Object>().CheckTypeTag(&kTicketTag)) {
    throw BadArgument(BadArgument::Kind::type, Code::invalid_argument,
                      text("the ticket is ", describe(value), "; it must be a Ticket or undefined"));
  }
  return Unwrap(value.As<Napi::Object>())->state_;
}

void Ticket::cancel(const Napi::CallbackInfo&) { state_->stop.store(true, std::memory_order_relaxed); }

Napi::Value Ticket::progress(const Napi::CallbackInfo& info) {
  auto object = Napi::Object::New(info.Env());
  object.Set("done", static_cast<double>(state_->done.load(std::memory_order_relaxed)));
  object.Set("total", static_cast<double>(state_->total.load(std::memory_order_relaxed)));
  return object;
}

}  // namespace gyrus::binding
