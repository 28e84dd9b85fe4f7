// Work for the measurement in bf16 with f32 sums: on AMX's tiles, or by AVX-512's dot products of pairs.
#pragma once

#include <cstdint>

namespace gyrus::bench {

enum class Bf16Unit { none, avx512, amx };

// The best that the CPU has, the system keeps the state of, and this process may use. Asks the system for AMX's tiles.
Bf16Unit find_bf16_unit();

// As multiply_add_f32; `unit` is not none.
double multiply_add_bf16(Bf16Unit unit, std::int64_t rounds, volatile float* sink);

}  // namespace gyrus::bench
