// Element types that files store, and their conversion to f32.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "io/file.h"

namespace gyrus::io {

// A superset of the engine's types.
enum class StoredType : std::uint8_t { f64, f32, f16, bf16, i64, i32, i16, i8, u64, u32, u16, u8, boolean };

std::int64_t size_of(StoredType type);                                 // bytes an element
std::string_view safetensors_name(StoredType type);                    // "F32"
std::optional<StoredType> type_of_safetensors(std::string_view name);  // the inverse

bool is_floating(StoredType type);

// Little-endian elements to f32, rounded to nearest; f64 beyond f32's range becomes infinity. `in` needs no alignment
// and has out.size() elements. Exact for f16 subnormals even where the CPU flushes subnormals to zero.
void convert_to_f32(StoredType type, std::span<const std::byte> in, std::span<float> out);

// Reads out.size() elements from byte `offset` of the file as f32, through a buffer of bounded size.
void read_as_f32(const InputFile& file, StoredType type, std::int64_t offset, std::span<float> out);

}  // namespace gyrus::io
