#include "io/weights_match.h"

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "core/error.h"

namespace gyrus::io {
namespace {

// Why a name may stand in the file unused; nothing: it may not.
std::optional<std::string> reason_to_ignore(std::string_view name, const AllowedExtras& extras) {
  const auto begins = [name](std::string_view prefix) { return name.starts_with(prefix); };
  const auto ends = [name](std::string_view suffix) { return name.ends_with(suffix); };
  if (std::any_of(extras.suffixes.begin(), extras.suffixes.end(), ends)) return "a count that only PyTorch keeps";
  if (std::any_of(extras.prefixes.begin(), extras.prefixes.end(), begins)) return "a head, which is not read here";
  return std::nullopt;
}

}  // namespace

bool is_foldable_stem(std::string_view name, const Shape& wanted, const Shape& stored) {
  const bool is_stem =
      name == "conv1.weight" || name.ends_with("encoder.conv1.weight") || name.ends_with("patch_embed.proj.weight");
  return is_stem && wanted.rank() == 4 && stored.rank() == 4 && wanted[1] == 1 && stored[1] == 3 &&
         wanted[0] == stored[0] && wanted[2] == stored[2] && wanted[3] == stored[3];
}

MatchReport match_weights(std::span<const WantedTensor> wanted, std::span<const StoredTensor> stored,
                          const AllowedExtras& extras, std::span<const RecognisedTensor> sources) {
  GYRUS_ASSERT(sources.empty() || sources.size() == stored.size());
  // Keyed by the model's own names: names chosen by the file are only looked up, so they cannot make this slow.
  std::unordered_map<std::string_view, const StoredTensor*> found;
  for (const WantedTensor& tensor : wanted) {
    GYRUS_CHECK(found.emplace(tensor.name, nullptr).second, Code::internal, "the tensor ", tensor.name,
                " is wanted twice; please report it");
  }
  MatchReport report;
  for (std::size_t index = 0; index < stored.size(); ++index) {
    const StoredTensor& tensor = stored[index];
    const std::string& name_in_file = sources.empty() ? tensor.name : sources[index].source->name;
    const auto at = found.find(tensor.name);
    if (at != found.end() && at->second == nullptr) {
      at->second = &tensor;
    } else if (const auto reason = reason_to_ignore(tensor.name, extras); reason && at == found.end()) {
      report.ignored.push_back({name_in_file, *reason});
    } else {
      report.unexpected.push_back(name_in_file);
    }
  }
  for (const WantedTensor& tensor : wanted) {
    const StoredTensor* match = found.at(tensor.name);
    if (match == nullptr) {
      report.missing.push_back(tensor.name);
    } else if (is_foldable_stem(tensor.name, tensor.shape, match->shape)) {
      report.matched.push_back(tensor.name);
      report.adapted.push_back(tensor.name);
    } else if (match->shape != tensor.shape) {
      report.misshapen.push_back({tensor.name, to_string(tensor.shape), to_string(match->shape)});
    } else {
      report.matched.push_back(tensor.name);
    }
  }
  return report;
}

void check_match(const MatchReport& report, std::string_view file) {
  if (!report.is_complete()) throw WeightsMismatch(report, describe_mismatch(report, file));
}

}  // namespace gyrus::io
