#include "train/weights.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "io/safetensors.h"
#include "io/weight_forms.h"
#include "nn/init.h"
#include "train/network_facts.h"
#include "train/sessions.h"

namespace gyrus::train {
namespace {

// A file that moves with the model: PyTorch's loaders demand these counters beside running statistics, ours ignore
// them.
const std::vector<std::string> kIgnoredSuffixes{"num_batches_tracked"};

using io::RecognisedTensor, io::RecognisedWeights;

// The file's tensors for the wanted ones, in their order.
std::vector<RecognisedTensor> sources_of(std::span<const NamedTensor> tensors, const RecognisedWeights& weights) {
  std::unordered_map<std::string_view, RecognisedTensor> by_name;
  for (std::size_t at = 0; at < weights.tensors.size(); ++at) {
    by_name.emplace(weights.tensors[at].name, weights.sources[at]);
  }
  std::vector<RecognisedTensor> sources;
  for (const NamedTensor& tensor : tensors) sources.push_back(by_name.at(tensor.name));
  return sources;
}

// Integers are somebody's quantised weights, whose scale is not in the file.
void check_type(const io::TensorFile& file, const io::StoredTensor& stored) {
  GYRUS_CHECK(io::is_floating(stored.type), Code::dtype, file.file(), ": the tensor '", stored.name,
              "' has the element type ", io::safetensors_name(stored.type),
              ", F32, F16, BF16 or F64 was expected; save it in floating point, dequantised if it was quantised");
}

// Summed over the three input channels of a stem, for a network over one.
std::vector<float> sum_channels(const std::vector<float>& values, const io::StoredTensor& stored) {
  const auto pixels = static_cast<std::size_t>(stored.shape[2] * stored.shape[3]);
  std::vector<float> sums(values.size() / 3);
  for (std::size_t at = 0; at < sums.size(); ++at) {
    const float* const red = &values[at / pixels * 3 * pixels + at % pixels];
    sums[at] = static_cast<float>(static_cast<double>(red[0]) + static_cast<double>(red[pixels]) +
                                  static_cast<double>(red[2 * pixels]));
  }
  return sums;
}

std::vector<float> read_stored(const io::TensorFile& file, const io::StoredTensor& stored) {
  check_type(file, stored);
  std::vector<float> values(static_cast<std::size_t>(stored.shape.elements()));
  file.read_finite_f32(stored, values);
  return values;
}

// A tensor as the network wants it.
std::vector<float> read_tensor(const io::TensorFile& file, const RecognisedTensor& source, const NamedTensor& tensor) {
  const io::StoredTensor& stored = *source.source;
  std::vector<float> values = read_stored(file, stored);
  if (source.bias != nullptr) {
    const std::vector<float> bias = read_stored(file, *source.bias);
    for (std::size_t at = 0; at < values.size(); ++at) {
      values[at] = static_cast<float>(static_cast<double>(values[at]) - static_cast<double>(bias[at]));
    }
  }
  const bool is_negative = tensor.name.ends_with("running_var") &&
                           std::any_of(values.begin(), values.end(), [](float variance) { return variance < 0; });
  GYRUS_CHECK(!is_negative, Code::non_finite, file.file(), ": the tensor '", stored.name,
              "' holds a negative variance, whose root is NaN; the file is damaged or of another kind");
  if (stored.shape == tensor.shape) return values;
  GYRUS_ASSERT(io::is_foldable_stem(tensor.name, tensor.shape, stored.shape));
  return sum_channels(values, stored);
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
                             std::span<const std::string> allowed_extra, const nn::EncoderOptions* encoder) {
  const std::unique_ptr<io::TensorFile> file = io::open_tensor_file(path);
  std::vector<io::WantedTensor> wanted;
  for (const NamedTensor& tensor : tensors) wanted.push_back({tensor.name, tensor.shape});
  const RecognisedWeights weights = io::recognise_weights(wanted, file->tensors(), path);
  const io::AllowedExtras extras{{allowed_extra.begin(), allowed_extra.end()}, kIgnoredSuffixes};
  io::MatchReport report = io::match_recognised(wanted, weights, extras);
  io::check_match(report, path);
  check_network(path, weights, file->metadata(), encoder);
  const std::vector<RecognisedTensor> sources = sources_of(tensors, weights);

  // First everything into memory of its own, then everything into the store: a bad tensor in the middle changes
  // nothing.
  std::vector<std::vector<float>> values;
  for (std::size_t t = 0; t < tensors.size(); ++t) values.push_back(read_tensor(*file, sources[t], tensors[t]));
  for (std::size_t t = 0; t < tensors.size(); ++t) {
    std::copy(values[t].begin(), values[t].end(), tensors[t].data.begin());
  }
  return report;
}

void check_finite(const std::string& path, std::span<const NamedTensor> tensors) {
  for (const NamedTensor& tensor : tensors) {
    const bool is_finite =
        std::all_of(tensor.data.begin(), tensor.data.end(), [](float x) { return std::isfinite(x); });
    GYRUS_CHECK(is_finite, Code::non_finite, "the tensor '", tensor.name,
                "' holds NaN or infinity and is not saved to ", path, "; go back to the last file that was saved");
  }
}

void save_tensors(const std::string& path, std::span<const NamedTensor> tensors, const Metadata& metadata) {
  std::vector<io::TensorToWrite> to_write;
  check_finite(path, tensors);
  for (const NamedTensor& tensor : tensors) to_write.push_back({tensor.name, tensor.shape, tensor.data});
  Metadata all = metadata;
  all.emplace("format", "pt");
  io::write_safetensors(path, to_write, all);
}

void save_backbone(const std::string& path, std::span<const NamedTensor> tensors, const BackboneOptions& options) {
  constexpr std::string_view kVariance = "running_var";
  std::vector<io::TensorToWrite> to_write;
  std::vector<float> stem;
  check_finite(path, tensors);
  const auto renamed = [&options](std::string_view name) {
    return options.rename == nullptr ? std::string(name) : options.rename(name);
  };
  for (const NamedTensor& tensor : tensors) {
    const Shape& shape = tensor.shape;
    const Shape rgb = shape.rank() == 4 ? Shape{shape[0], options.channels, shape[2], shape[3]} : shape;
    if (options.channels == 3 && io::is_foldable_stem(tensor.name, shape, rgb)) {
      const auto pixels = static_cast<std::size_t>(shape[2] * shape[3]);
      for (std::size_t first = 0; first < tensor.data.size(); first += pixels) {
        for (int channel = 0; channel < 3; ++channel) {
          for (std::size_t at = 0; at < pixels; ++at) stem.push_back(tensor.data[first + at] / 3);
        }
      }
      to_write.push_back({renamed(tensor.name), rgb, stem});
      continue;
    }
    to_write.push_back({renamed(tensor.name), shape, tensor.data});
    if (!tensor.name.ends_with(kVariance)) continue;
    const std::string counter = tensor.name.substr(0, tensor.name.size() - kVariance.size()) + "num_batches_tracked";
    to_write.push_back({renamed(counter), Shape{}, {}, options.batches_tracked});
  }
  Metadata metadata = options.metadata;
  metadata.emplace("format", "pt");
  io::write_safetensors(path, to_write, metadata);
}

SessionInfo describe_session(const Device& device, const runtime::ParameterStore& store) {
  SessionInfo info;
  info.device = device.name;
  info.device_reason = device.reason;
  info.precision = name_of(device.compute);
  info.threads = device.threads;
  info.parameter_bytes = store.bytes();
  for (const auto& entry : store.entries()) {
    if (!entry.spec.is_buffer) info.parameter_count += entry.spec.shape.elements();
  }
  return info;
}

}  // namespace gyrus::train
