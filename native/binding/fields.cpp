#include "binding/fields.h"

#include "binding/convert.h"
#include "binding/js_error.h"

namespace gyrus::binding {

void refuse_value(std::string_view name, std::string_view expected, Napi::Value found) {
  throw BadArgument(BadArgument::Kind::type, Code::invalid_argument,
                    text(name, " must be ", expected, ", not ", describe(found)));
}

Fields::Fields(Napi::Value value, std::string_view name) {
  if (!value.IsObject() || value.IsArray() || value.IsFunction()) refuse_value(name, "an object", value);
  object_ = value.As<Napi::Object>();
}

std::string Fields::string(const char* key) const { return to_string_argument(at(key), key); }

std::int64_t Fields::integer(const char* key, std::int64_t least, std::int64_t most) const {
  return to_integer(at(key), key, least, most);
}

double Fields::real(const char* key) const {
  const Napi::Value value = at(key);
  if (!value.IsNumber()) refuse_value(key, "a number", value);
  return value.As<Napi::Number>().DoubleValue();
}

bool Fields::boolean(const char* key) const {
  const Napi::Value value = at(key);
  if (!value.IsBoolean()) refuse_value(key, "true or false", value);
  return value.As<Napi::Boolean>().Value();
}

}  // namespace gyrus::binding
