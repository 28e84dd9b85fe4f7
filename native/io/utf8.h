// UTF-8: validation, encoding, and how names from untrusted files are shown in messages.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace gyrus::io {

// Length of the longest prefix that is well-formed UTF-8 (Unicode 15, table 3-7: no overlong forms, no surrogates,
// nothing above U+10FFFF). Equals bytes.size() when all of it is.
std::size_t valid_utf8_prefix(std::string_view bytes);
inline bool is_utf8(std::string_view bytes) { return valid_utf8_prefix(bytes) == bytes.size(); }

// Appends one Unicode scalar value.
void append_utf8(std::string& out, char32_t scalar);

// The name in double quotes, fit for a terminal and a log: control characters as \xNN, at most about 120 bytes.
std::string quoted(std::string_view name);

}  // namespace gyrus::io
