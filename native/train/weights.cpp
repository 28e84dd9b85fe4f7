#include "train/weights.h"

#include <algorithm>

#include "nn/init.h"
#include "train/sessions.h"

namespace gyrus::train {
namespace {

// A file that moves with the model: PyTorch's loaders demand these counters beside running statistics, ours ignore
// them.
const std::vector<std::string> kIgnoredSuffixes{"num_batches_tracked"};

// Integers are somebody's quantised weights, whose scale is not in the file.
void check_types(const io::SafetensorsReader& reader, std::span<const NamedTensor> tensors) {
  for (const NamedTensor& tensor : tensors) {
    const io::StoredTensor* stored = reader.find(tensor.name);
    GYRUS_ASSERT(stored != nullptr);
    GYRUS_CHECK(io::is_floating(stored->type), Code::dtype, reader.file(), ": the tensor '", tensor.name,
                "' has the element type ", io::safetensors_name(stored->type),
                ", F32, F16, BF16 or F64 was expected; save it in floating point, dequantised if it was quantised");
  }
}

}  // namespace

void initialize_store(runtime::ParameterStore& store, std::uint64_t seed) {
  for (const auto& entry : store.entries()) {
    const auto count = static_cast<std::size_t>(entry.spec.shape.elements());
    nn::initialize(entry.spec, seed, {static_cast<float*>(store.parameter(entry.spec.name)), count});
  }
}

std::vector<NamedTensor> tensors_of(const runtime::ParameterStore& store, const std::string& prefix,
                                    const std::string& file_prefix) {
  std::vector<NamedTensor> tensors;
  for (const auto& entry : store.entries()) {
    const std::string& name = entry.spec.name;
    if (!name.starts_with(prefix)) continue;
    tensors.push_back(
        {file_prefix + name.substr(prefix.size()),
         entry.spec.shape,
         {static_cast<float*>(store.parameter(name)), static_cast<std::size_t>(entry.spec.shape.elements())}});
  }
  return tensors;
}

io::MatchReport load_tensors(const std::string& path, std::span<const NamedTensor> tensors,
                             std::span<const std::string> allowed_extra) {
  const io::SafetensorsReader reader(path);
  std::vector<io::WantedTensor> wanted;
  for (const NamedTensor& tensor : tensors) wanted.push_back({tensor.name, tensor.shape});
  const io::AllowedExtras extras{{allowed_extra.begin(), allowed_extra.end()}, kIgnoredSuffixes};
  io::MatchReport report = io::match_weights(wanted, reader.tensors(), extras);
  io::check_match(report, path);
  check_types(reader, tensors);

  // First everything into memory of its own, then everything into the store: a bad tensor in the middle changes
  // nothing.
  std::vector<std::vector<float>> values;
  for (const NamedTensor& tensor : tensors) {
    const io::StoredTensor* stored = reader.find(tensor.name);
    GYRUS_ASSERT(stored != nullptr);
    values.emplace_back(tensor.data.size());
    reader.read_finite_f32(*stored, values.back());
    const bool is_variance = tensor.name.ends_with("running_var");
    const bool is_negative = is_variance && std::any_of(values.back().begin(), values.back().end(),
                                                        [](float variance) { return variance < 0; });
    GYRUS_CHECK(!is_negative, Code::non_finite, path, ": the tensor '", tensor.name,
                "' holds a negative variance, whose root is NaN; the file is damaged or of another kind");
  }
  for (std::size_t t = 0; t < tensors.size(); ++t) {
    std::copy(values[t].begin(), values[t].end(), tensors[t].data.begin());
  }
  return report;
}

void save_tensors(const std::string& path, std::span<const NamedTensor> tensors) {
  std::vector<io::TensorToWrite> to_write;
  for (const NamedTensor& tensor : tensors) to_write.push_back({tensor.name, tensor.shape, tensor.data});
  io::write_safetensors(path, to_write, {{"format", "pt"}});
}

SessionInfo describe_session(const Device& device, const runtime::ParameterStore& store) {
  SessionInfo info;
  info.device = device.name;
  info.precision = name_of(device.compute);
  info.threads = device.threads;
  info.parameter_bytes = store.bytes();
  for (const auto& entry : store.entries()) {
    if (!entry.spec.is_buffer) info.parameter_count += entry.spec.shape.elements();
  }
  return info;
}

}  // namespace gyrus::train
