// The one exception type of the engine: a closed list of codes, and a message that names the thing and the remedy.
// Every Code has a twin in lib/errors.ts (ERR_GYRUS_<NAME>); test/unit/errors.test.ts compares both lists.
#pragma once

#include <exception>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

namespace gyrus {

// X-list of error codes: enumerator, JS name, what it means.
#define GYRUS_ERROR_CODES(X)                                                                             \
  X(invalid_argument, "ERR_GYRUS_INVALID_ARGUMENT", "an argument or option has an unusable value")       \
  X(shape, "ERR_GYRUS_SHAPE", "a tensor's shape does not fit")                                           \
  X(dtype, "ERR_GYRUS_DTYPE", "a tensor's element type does not fit")                                    \
  X(name, "ERR_GYRUS_NAME", "a tensor's or an architecture's name is not known")                         \
  X(batch_too_small, "ERR_GYRUS_BATCH_TOO_SMALL", "batch statistics need more than one value a channel") \
  X(non_finite, "ERR_GYRUS_NON_FINITE", "weights or inputs hold NaN or infinity")                        \
  X(file_not_found, "ERR_GYRUS_FILE_NOT_FOUND", "a file does not exist or cannot be opened")             \
  X(file_io, "ERR_GYRUS_FILE_IO", "reading or writing a file failed half-way")                           \
  X(file_format, "ERR_GYRUS_FILE_FORMAT", "a file's bytes contradict its format")                        \
  X(weights_mismatch, "ERR_GYRUS_WEIGHTS_MISMATCH", "weight names or shapes do not match the model")     \
  X(precision_unsupported, "ERR_GYRUS_PRECISION_UNSUPPORTED", "this machine lacks the asked precision")  \
  X(cuda_unavailable, "ERR_GYRUS_CUDA_UNAVAILABLE", "no usable CUDA device, driver or library")          \
  X(out_of_memory, "ERR_GYRUS_OUT_OF_MEMORY", "the plan does not fit into the memory there is")          \
  X(aborted, "ERR_GYRUS_ABORTED", "the call was cancelled by its AbortSignal or by a shutdown")          \
  X(disposed, "ERR_GYRUS_DISPOSED", "the object was disposed before the call")                           \
  X(busy, "ERR_GYRUS_BUSY", "the object or buffer is in use by an earlier call")                         \
  X(not_differentiable, "ERR_GYRUS_NOT_DIFFERENTIABLE", "a gradient was asked of an op that has none")   \
  X(collapsed, "ERR_GYRUS_COLLAPSED", "embeddings no longer tell images apart")                          \
  X(internal, "ERR_GYRUS_INTERNAL", "a defect in gyrus itself: please report it")

enum class Code {
#define GYRUS_CODE_ENUM(name, js, what) name,
  GYRUS_ERROR_CODES(GYRUS_CODE_ENUM)
#undef GYRUS_CODE_ENUM
};

// "ERR_GYRUS_…": stable, part of the public contract.
std::string_view code_name(Code code) noexcept;

class Error : public std::exception {
 public:
  Error(Code code, std::string message) : code_(code), message_(std::move(message)) {}
  Code code() const noexcept { return code_; }
  const std::string& message() const noexcept { return message_; }
  const char* what() const noexcept override { return message_.c_str(); }
  // Prefixes what was being done ("while lowering act/layer1.0.conv1"); the code stays.
  Error with_context(std::string_view doing) const;

 private:
  Code code_;
  std::string message_;
};

// Joins anything streamable: text("rank ", 3, " expected").
template <class... Parts>
std::string text(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return std::move(out).str();
}

[[noreturn]] void fail_internal(const char* expression, const char* file, int line);

}  // namespace gyrus

// Throws Error(code, text(...)) unless the condition holds.
#define GYRUS_CHECK(condition, code, ...)                                       \
  do {                                                                          \
    if (!(condition)) throw ::gyrus::Error((code), ::gyrus::text(__VA_ARGS__)); \
  } while (false)

// For programmer errors only: Code::internal with the expression and its place.
#define GYRUS_ASSERT(condition)                                               \
  do {                                                                        \
    if (!(condition)) ::gyrus::fail_internal(#condition, __FILE__, __LINE__); \
  } while (false)
