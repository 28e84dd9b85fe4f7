#include "core/error.h"

namespace gyrus {

std::string_view code_name(Code code) noexcept {
  switch (code) {
#define GYRUS_CODE_CASE(name, js, what) \
  case Code::name:                      \
    return js;
    GYRUS_ERROR_CODES(GYRUS_CODE_CASE)
#undef GYRUS_CODE_CASE
  }
  return "ERR_GYRUS_INTERNAL";
}

Error Error::with_context(std::string_view doing) const { return Error(code_, text(doing, ": ", message_)); }

void fail_internal(const char* expression, const char* file, int line) {
  throw Error(Code::internal, text("gyrus defect: (", expression, ") does not hold at ", file, ":", line,
                                   "; please report it with the steps that led here"));
}

}  // namespace gyrus
