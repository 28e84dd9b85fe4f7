#include "binding/js_error.h"

#include <new>

#include "binding/instance.h"

namespace gyrus::binding {
namespace {

Napi::Value with_code(const Napi::Error& error, Code code) {
  error.Value().Set("code", Napi::String::New(error.Env(), std::string(code_name(code))));
  return error.Value();
}

Napi::Value make_gyrus_error(Napi::Env env, const Instance& instance, const Error& error) {
  if (instance.error_class().IsEmpty()) return with_code(Napi::Error::New(env, error.message()), error.code());
  return instance.error_class().New(
      {Napi::String::New(env, std::string(code_name(error.code()))), Napi::String::New(env, error.message())});
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
  } catch (...) {
    return make_gyrus_error(env, instance, to_engine_error(std::current_exception()));
  }
}

}  // namespace gyrus::binding
