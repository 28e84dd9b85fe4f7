// What a fuzzer does with one input, shared with the replay of the corpora in tests/io/corpus_replay.cpp. A parser may
// accept the bytes, and what it then says of them must hold, or refuse them with Code::file_format or Code::dtype.
// Anything else, an exception of another kind included, ends the process.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/error.h"
#include "core/memory_stats.h"
#include "io/finite.h"
#include "io/npy.h"
#include "io/safetensors.h"

namespace gyrus::fuzz {

enum class Verdict { accepted, refused };

constexpr std::int64_t kMaxElements = 1 << 16;  // of a tensor that is read, to keep an input fast

inline void require(bool holds) {
  if (!holds) __builtin_trap();
}

// Runs the parser; a refusal of the right kind is a result like any other, and no buffer may outlive it.
template <class Parse>
Verdict verdict_of(Parse parse) {
  const std::int64_t held = memory_stats().host_bytes;
  Verdict verdict = Verdict::accepted;
  try {
    parse();
  } catch (const Error& error) {
    require((error.code() == Code::file_format || error.code() == Code::dtype) && !error.message().empty());
    verdict = Verdict::refused;
  }
  require(memory_stats().host_bytes == held);
  return verdict;
}

inline Verdict run_safetensors(std::span<const std::byte> bytes) {
  return verdict_of([bytes] {
    const io::SafetensorsReader reader(bytes, "input");
    std::int64_t total = 0;
    for (const io::StoredTensor& tensor : reader.tensors()) {
      require(!tensor.name.empty() && reader.find(tensor.name) == &tensor);
      require(tensor.bytes == tensor.shape.elements() * io::size_of(tensor.type));
      require(tensor.offset >= 8 && tensor.offset + tensor.bytes <= static_cast<std::int64_t>(bytes.size()));
      total += tensor.bytes;
      if (tensor.shape.elements() > kMaxElements) continue;
      std::vector<float> values(static_cast<std::size_t>(tensor.shape.elements()));
      reader.read_f32(tensor, values);
      require(io::find_non_finite(values) < tensor.shape.elements());
    }
    require(total <= static_cast<std::int64_t>(bytes.size()) - 8);
  });
}

inline Verdict run_npy(std::span<const std::byte> bytes) {
  return verdict_of([bytes] {
    const io::NpyReader reader(bytes, "input");
    const std::int64_t elements = reader.shape().elements();
    require(elements <= static_cast<std::int64_t>(bytes.size()) && reader.dtype().size() == 3);
    std::vector<float> values(static_cast<std::size_t>(std::min(elements, kMaxElements)));
    reader.read_f32(elements - static_cast<std::int64_t>(values.size()), values);
  });
}

}  // namespace gyrus::fuzz
