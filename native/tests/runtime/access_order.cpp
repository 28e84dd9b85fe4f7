#include "tests/runtime/access_order.h"

#include <algorithm>

#include "core/error.h"

namespace gyrus::tests {
namespace {

std::string name_of(std::size_t line) {
  return line == AccessOrder::kHost ? "the host" : line == AccessOrder::kQueue ? "the queue" : text("lane ", line);
}

}  // namespace

std::size_t AccessOrder::add_line() {
  const std::lock_guard lock(mutex_);
  for (Clock& line : lines_) line.push_back(0);
  lines_.emplace_back(lines_.size() + 1);
  return lines_.size() - 1;
}

void AccessOrder::learn(std::size_t line, const Clock& known) {
  for (std::size_t i = 0; i < known.size(); ++i) lines_[line][i] = std::max(lines_[line][i], known[i]);
}

void AccessOrder::access(std::size_t line, const void* memory, std::int64_t bytes, bool is_write) {
  const std::lock_guard lock(mutex_);
  learn(line, lines_[kHost]);
  const auto* const begin = static_cast<const std::byte*>(memory);
  const Access now{begin, begin + bytes, line, ++lines_[line][line], is_write};
  for (const Access& before : accesses_) {
    if (before.end <= now.begin || now.end <= before.begin || !(before.is_write || is_write)) continue;
    GYRUS_CHECK(before.at <= lines_[line][before.line], Code::internal, name_of(line), is_write ? " writes" : " reads",
                " memory that ", name_of(before.line), before.is_write ? " writes" : " reads",
                ", and neither waits for the other");
  }
  std::erase_if(accesses_, [&](const Access& before) {
    return before.line == line && before.is_write == is_write && now.begin <= before.begin && before.end <= now.end;
  });
  accesses_.push_back(now);
}

void AccessOrder::forget(const void* memory, std::int64_t bytes) {
  const std::lock_guard lock(mutex_);
  const auto* const begin = static_cast<const std::byte*>(memory);
  std::erase_if(accesses_, [&](const Access& access) { return access.begin < begin + bytes && begin < access.end; });
}

AccessOrder::Clock AccessOrder::mark(std::size_t line) {
  const std::lock_guard lock(mutex_);
  learn(line, lines_[kHost]);
  return lines_[line];
}

void AccessOrder::wait(std::size_t line, const Clock& event) {
  const std::lock_guard lock(mutex_);
  learn(line, event);
}

}  // namespace gyrus::tests
