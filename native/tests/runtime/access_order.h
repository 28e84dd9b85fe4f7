// Finds memory that two lines of work touch in no fixed order: a pretended device does everything at once and in the
// order of the calls, a real one may not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace gyrus::tests {

// Vector clocks: each line counts its own acts, and knows of the others' what it has waited for. Whatever the host
// enqueues comes after all that the host has seen. Thread-safe; the host's threads count as one line.
class AccessOrder {
 public:
  using Clock = std::vector<std::int64_t>;
  static constexpr std::size_t kHost = 0, kQueue = 1;

  std::size_t add_line();
  // A copy in a line, or an access of the host's own. Throws Code::internal when another line's access to one of the
  // bytes, one of the two being a write, may come before or after.
  void access(std::size_t line, const void* memory, std::int64_t bytes, bool is_write);
  // Memory that was allocated anew: what happened at these addresses before is of no concern.
  void forget(const void* memory, std::int64_t bytes);
  // What an event is marked with, and what whoever waits for it then knows.
  Clock mark(std::size_t line);
  void wait(std::size_t line, const Clock& event);

 private:
  struct Access {
    const std::byte *begin, *end;
    std::size_t line;
    std::int64_t at;  // on its line's clock
    bool is_write;
  };
  void learn(std::size_t line, const Clock& known);

  std::mutex mutex_;
  std::vector<Clock> lines_ = std::vector<Clock>(2, Clock(2));
  std::vector<Access> accesses_;  // of each line the last one to each range, of each kind
};

}  // namespace gyrus::tests
