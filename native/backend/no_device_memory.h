// What is said where a device's memory does not hold what a plan needs.
#pragma once

#include <cstdint>

#include "core/error.h"

namespace gyrus::backend {

// Code::out_of_memory with the sizes, in bytes.
Error no_device_memory(std::int64_t needed, std::int64_t free, std::int64_t all);

}  // namespace gyrus::backend
