#include "binding/js_error.h"

#include <new>
#include <string_view>

#include "binding/convert.h"
#include "binding/instance.h"
#include "io/weights_match.h"

namespace gyrus::binding {
namespace {

Napi::Value with_code(const Napi::Error& error, Code code) {
  error.Value().Set("code", Napi::String::New(error.Env(), std::string(code_name(code))));
  return error.Value();
}

// A message may go on with the causes of what it says, the nearest first, each on a line of its own.
constexpr std::string_view kCausedBy = "\ncaused by: ";

// { cause: Error(…, { cause: … }) } of such lines; undefined where there are none.
Napi::Value causes_of(Napi::Env env, std::string_view lines) {
  if (lines.empty()) return env.Undefined();
  lines.remove_prefix(kCausedBy.size());
  const std::string_view first = lines.substr(0, lines.find(kCausedBy));
  const Napi::Error cause = Napi::Error::New(env, std::string(first));
  const Napi::Value further = causes_of(env, lines.substr(first.size()));
  if (further.IsObject()) cause.Value().Set("cause", further.As<Napi::Object>().Get("cause"));
  auto options = Napi::Object::New(env);
  options.Set("cause", cause.Value());
  return options;
}

Napi::Value make_gyrus_error(Napi::Env env, const Instance& instance, const Error& error) {
  const std::string_view all = error.message(), message = all.substr(0, all.find(kCausedBy));
  if (instance.error_class().IsEmpty()) return with_code(Napi::Error::New(env, std::string(message)), error.code());
  return instance.error_class().New({Napi::String::New(env, std::string(code_name(error.code()))),
                                     Napi::String::New(env, std::string(message)),
                                     causes_of(env, all.substr(message.size()))});
}

}  // namespace

Error to_engine_error(const std::exception_ptr& exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const Error& error) {
    return error;
  } catch (const std::bad_alloc&) {
    return Error(Code::out_of_memory, "the system refused more host memory; use a smaller batch");
  } catch (const std::exception& error) {
    return Error(Code::internal, text("unexpected failure: ", error.what(), "; please report it"));
  } catch (...) {
    return Error(Code::internal, "unexpected failure of an unknown type; please report it");
  }
}

Napi::Value to_js_error(Napi::Env env, const Instance& instance, const std::exception_ptr& exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const Napi::Error& error) {
    return error.Value();
  } catch (const BadArgument& error) {
    return error.kind() == BadArgument::Kind::type
               ? with_code(Napi::TypeError::New(env, error.message()), error.code())
               : with_code(Napi::RangeError::New(env, error.message()), error.code());
  } catch (const io::WeightsMismatch& error) {
    const Napi::Value made = make_gyrus_error(env, instance, error);
    made.As<Napi::Object>().Set("report", to_js(env, error.report()));
    return made;
  } catch (...) {
    return make_gyrus_error(env, instance, to_engine_error(std::current_exception()));
  }
}

}  // namespace gyrus::binding
