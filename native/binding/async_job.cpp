#include "binding/async_job.h"

#include "binding/convert.h"
#include "binding/instance.h"
#include "binding/js_error.h"

namespace gyrus::binding {
namespace {

std::string_view name_of(napi_typedarray_type type) {
  if (type == napi_float32_array) return "a Float32Array";
  return type == napi_uint8_array ? "a Uint8Array" : "an Int32Array";
}

[[noreturn]] void refuse(std::string_view name, std::string_view found, std::string_view remedy) {
  throw BadArgument(BadArgument::Kind::type, Code::invalid_argument, text(name, " ", found, "; ", remedy));
}

// The stop flag lives in the ticket, so that the JS side can set it.
std::shared_ptr<runtime::Stop> stop_of(const std::shared_ptr<TicketState>& ticket) { return {ticket, &ticket->stop}; }

}  // namespace

AsyncJob::AsyncJob(Napi::Value self, SessionCore& core, Call call, std::shared_ptr<TicketState> ticket,
                   const Napi::Promise::Deferred& deferred)
    : EngineJob(stop_of(ticket)),
      env_(self.Env()),
      core_(core),
      call_(call),
      ticket_(std::move(ticket)),
      deferred_(deferred),
      self_(Napi::Reference<Napi::Value>::New(self, 1)) {
  core_.begin(call_);
}

AsyncJob::~AsyncJob() {
  if (is_settled_) return;
  if (core_.instance().is_closed()) {
    let_go(nullptr);
  } else {
    settle(std::make_exception_ptr(Error(Code::aborted, "the call was abandoned before it finished")));
  }
}

void AsyncJob::lease(Napi::Value value, std::string_view name, napi_typedarray_type type) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != type) {
    refuse(name, text("is ", describe(value)), text("it must be ", name_of(type)));
  }
  const auto array = value.As<Napi::TypedArray>();
  const Napi::Value memory = array.ArrayBuffer();
  if (!memory.IsArrayBuffer()) {
    refuse(name, "lies in a SharedArrayBuffer, which other threads can write", "copy it into an ordinary one");
  }
  auto buffer = memory.As<Napi::ArrayBuffer>();
  // Reading a property may run user code; everything else is looked at after it.
  if (buffer.Get("resizable").ToBoolean()) {
    refuse(name, "lies in a resizable ArrayBuffer, which may shrink meanwhile", "copy it into one of fixed size");
  }
  if (buffer.IsDetached())
    refuse(name, "was detached (transferred to another thread)", "pass memory that is still here");
  const auto* start = static_cast<const std::byte*>(buffer.Data()) + array.ByteOffset();
  GYRUS_CHECK(core_.instance().leases().lend(start, array.ByteLength(), this), Code::busy, name,
              " is memory that an earlier call still reads; await that call, or alternate between two buffers");
  pins_.push_back(Napi::Reference<Napi::ArrayBuffer>::New(buffer, 1));
}

std::span<const float> AsyncJob::lease_f32(Napi::Value value, std::string_view name) {
  lease(value, name, napi_float32_array);
  const auto array = value.As<Napi::Float32Array>();
  return {array.Data(), array.ElementLength()};
}

std::span<float> AsyncJob::lease_output_f32(Napi::Value value, std::string_view name) {
  lease(value, name, napi_float32_array);
  auto array = value.As<Napi::Float32Array>();
  return {array.Data(), array.ElementLength()};
}

std::span<const std::int32_t> AsyncJob::lease_i32(Napi::Value value, std::string_view name) {
  lease(value, name, napi_int32_array);
  const auto array = value.As<Napi::Int32Array>();
  return {array.Data(), array.ElementLength()};
}

std::span<const std::uint8_t> AsyncJob::lease_u8(Napi::Value value, std::string_view name) {
  lease(value, name, napi_uint8_array);
  const auto array = value.As<Napi::Uint8Array>();
  return {array.Data(), array.ElementLength()};
}

// A lease cannot stop JS from transferring the memory; at least nobody takes the result for a good one.
void AsyncJob::check_pins() const {
  for (const auto& pin : pins_) {
    GYRUS_CHECK(!pin.Value().IsDetached(), Code::busy,
                "a buffer was detached (transferred) while this call was using it, so its result cannot be trusted; "
                "transfer buffers only after the call has settled");
  }
}

void AsyncJob::settle(const std::exception_ptr& early_failure) noexcept {
  if (std::exchange(is_settled_, true)) return;
  std::exception_ptr cause = early_failure != nullptr ? early_failure : failure();
  // No C++ or JS exception may leave a completion callback; when the environment is being torn down, nothing works.
  try {
    const Napi::HandleScope scope(env_);
    Napi::Value value;
    if (cause == nullptr) {
      try {
        check_pins();
        value = to_js_(env_);
      } catch (...) {
        cause = std::current_exception();
      }
    }
    if (cause != nullptr) value = to_js_error(env_, core_.instance(), cause);
    let_go(cause);
    if (cause == nullptr) {
      deferred_.Resolve(value);
    } else {
      deferred_.Reject(value);
    }
  } catch (...) {
    let_go(cause);
  }
}

void AsyncJob::let_go(const std::exception_ptr& cause) noexcept {
  if (std::exchange(has_let_go_, true)) return;
  core_.instance().leases().give_back(this);
  pins_.clear();
  core_.end(call_, is_submitted_, cause);
}

Napi::Value start_job(const Napi::CallbackInfo& info, SessionCore& core, Call call, std::size_t ticket_at,
                      const std::function<void(AsyncJob&)>& read) {
  const Napi::Env env = info.Env();
  const auto deferred = Napi::Promise::Deferred::New(env);
  std::unique_ptr<AsyncJob> job;
  try {
    job = std::make_unique<AsyncJob>(info.This(), core, call, Ticket::state_of(info[ticket_at]), deferred);
    read(*job);
    job->mark_submitted();
    core.submit(job, call);
  } catch (...) {
    const std::exception_ptr failure = std::current_exception();
    if (job) {
      job->settle(failure);
    } else {
      deferred.Reject(to_js_error(env, core.instance(), failure));
    }
  }
  return deferred.Promise();
}

}  // namespace gyrus::binding
