// Environment variables that last as long as a test wants them.
#pragma once

#include <cstdlib>
#include <optional>
#include <string>

namespace gyrus::tests {

// Has a value while it lives; afterwards it is again what it was.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) {
    if (const char* const before = std::getenv(name)) before_ = before;
    (void)setenv(name, value.c_str(), 1);
  }
  ~Variable() { before_ ? (void)setenv(name_, before_->c_str(), 1) : (void)unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
  std::optional<std::string> before_;
};

}  // namespace gyrus::tests
