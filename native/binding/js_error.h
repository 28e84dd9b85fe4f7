// C++ exceptions -> JS errors that carry a stable `code`. The only place that decides which JS class an exception
// becomes.
#pragma once

#include <napi.h>

#include <exception>
#include <string>
#include <utility>

#include "core/error.h"

namespace gyrus::binding {

class Instance;

// A wrong argument, found before anything was queued: TypeError (wrong kind of thing) or RangeError (wrong size or
// value) in JS, with `code` as everywhere.
class BadArgument : public Error {
 public:
  enum class Kind : std::uint8_t { type, range };
  BadArgument(Kind kind, Code code, std::string message) : Error(code, std::move(message)), kind_(kind) {}
  Kind kind() const noexcept { return kind_; }

 private:
  Kind kind_;
};

// What an exception means to the engine's users: anything but an Error is Code::internal or out_of_memory.
Error to_engine_error(const std::exception_ptr& exception);

// JS thread. Napi::Error keeps its own value; see above for the rest.
Napi::Value to_js_error(Napi::Env env, const Instance& instance, const std::exception_ptr& exception);

// Runs what a constructor does; what it throws is thrown on as a JS error.
template <class Work>
auto throwing_js(Napi::Env env, const Instance& instance, Work work) {
  try {
    return work();
  } catch (...) {
    throw Napi::Error(env, to_js_error(env, instance, std::current_exception()));
  }
}

}  // namespace gyrus::binding
