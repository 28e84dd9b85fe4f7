// The fields of one options object that JS passed.
#pragma once

#include <napi.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace gyrus::binding {

// Every accessor throws a BadArgument that names the field when it is missing or of another type.
class Fields {
 public:
  Fields(Napi::Value value, std::string_view name);
  Napi::Value at(const char* key) const { return object_.Get(key); }
  std::string string(const char* key) const;
  std::int64_t integer(const char* key, std::int64_t least, std::int64_t most) const;
  double real(const char* key) const;
  float number(const char* key) const { return static_cast<float>(real(key)); }
  bool boolean(const char* key) const;

 private:
  Napi::Object object_;
};

// The BadArgument for a value that is not what was expected.
[[noreturn]] void refuse_value(std::string_view name, std::string_view expected, Napi::Value found);

}  // namespace gyrus::binding
