// What a fuzzer does with one input, shared with the replay of the corpora in tests/io/corpus_replay.cpp. A parser may
// accept the bytes, and what it then says of them must hold, or refuse them with Code::file_format or Code::dtype
// (HDF5, which is asked by name and for shapes, also with Code::name or Code::shape). Anything else, an exception of
// another kind included, ends the process.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "core/memory_stats.h"
#include "io/finite.h"
#include "io/npy.h"
#include "io/safetensors.h"
#include "io/torch/pickle.h"
#include "io/torch/state_dict.h"
#include "io/torch_reader.h"
#include "io/weight_forms.h"

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

// The bytes as a file, and, as few changes of an archive leave it whole, as the pickle of one.
inline Verdict run_torch_file(std::span<const std::byte> bytes) {
  return verdict_of([bytes] {
    if (bytes.size() > 1 && bytes[0] == std::byte{0x80}) {
      try {
        const io::torch::Pickle pickle = io::torch::read_pickle(bytes, "input");
        require(pickle.used <= bytes.size() && pickle.values.size() <= 1024 + bytes.size() / 2);
        const auto tensors = io::torch::state_dict_tensors(pickle, "input");
        for (const auto& named : tensors) require(!named.name.empty() && named.tensor < pickle.tensors.size());
      } catch (const Error& error) {
        require(error.code() == Code::file_format);
      }
    }
    const io::TorchReader reader(bytes, "input");
    const std::vector<io::WantedTensor> wanted{{"a", Shape{1}}, {"b.weight", Shape{2, 3}}};
    for (const io::StoredTensor& tensor : reader.tensors()) {
      require(!tensor.name.empty() && reader.find(tensor.name) == &tensor);
      require(tensor.bytes == tensor.shape.elements() * io::size_of(tensor.type));
      require(tensor.offset >= 0 && tensor.offset <= static_cast<std::int64_t>(bytes.size()));
      if (tensor.shape.elements() > kMaxElements) continue;
      std::vector<float> values(static_cast<std::size_t>(tensor.shape.elements()));
      reader.read_f32(tensor, values);
    }
    try {
      const io::RecognisedWeights weights = io::recognise_weights(wanted, reader.tensors(), "input");
      require(weights.tensors.size() == weights.sources.size());
      const io::MatchReport report = io::match_recognised(wanted, weights);
      const std::size_t accounted = report.matched.size() + report.misshapen.size() + report.unexpected.size() +
                                    report.ignored.size() + report.folded.size();
      require(accounted == reader.tensors().size());
      io::describe_mismatch(report, "input");
    } catch (const Error& error) {
      require(error.code() == Code::weights_mismatch);
    }
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
