#include "runtime/poison.h"

#include <cstring>

#include "core/error.h"

namespace gyrus::runtime {
namespace {

constexpr unsigned char kGuardByte = 0xA5;
constexpr unsigned char kNanByte = 0xFF;  // all ones are a NaN in f32, f64 and bf16 alike

}  // namespace

void Poison::set_guards() const {
  for (std::byte* guard : guards) std::memset(guard, kGuardByte, kGuardBytes);
}

void Poison::check(std::string_view step) const {
  for (const std::byte* guard : guards) {
    for (std::int64_t i = 0; i < kGuardBytes; ++i) {
      GYRUS_CHECK(guard[i] == std::byte{kGuardByte}, Code::internal, step, " wrote past the end of its output");
    }
  }
  for (const auto& [block, bytes] : freed_after) std::memset(block, kNanByte, static_cast<std::size_t>(bytes));
}

}  // namespace gyrus::runtime
