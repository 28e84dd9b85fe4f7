// How much more memory this process can have. Linux promises more than there is, and kills who uses it: so what is to
// be used is compared with what there is before.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/error.h"

namespace gyrus {

struct AvailableMemory {
  std::int64_t bytes = 0;
  std::string whose;  // "of the machine's", "of the control group's /sys/fs/cgroup/..."
};

// The least of what the machine has left (MemAvailable) and what each control group around this process leaves of its
// limit, versions 1 and 2; less what the engine holds and has not touched yet. nullopt where the system does not say.
// `root`: a folder that stands for /, for tests.
std::optional<AvailableMemory> available_memory(const std::string& root = "");

// Code::out_of_memory, with the two numbers: whoever knows what the memory is for says what to change.
class MemoryShortage : public Error {
 public:
  MemoryShortage(std::int64_t needed, std::int64_t available, std::string message)
      : Error(Code::out_of_memory, std::move(message)), needed_(needed), available_(available) {}
  std::int64_t needed() const noexcept { return needed_; }
  std::int64_t available() const noexcept { return available_; }

 private:
  std::int64_t needed_, available_;
};

// Throws MemoryShortage when `bytes` are not there for `what`. The environment's GYRUS_MEMORY_LIMIT goes before what
// the system says: bytes that the engine may hold in all, with K, M, G or T behind them or not; "none": nothing is
// compared. Throws Code::invalid_argument when it is neither.
void check_available(std::int64_t bytes, std::string_view what);

// "1.50 GiB"
std::string in_gibibytes(std::int64_t bytes);

}  // namespace gyrus
