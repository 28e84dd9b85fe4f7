#include "io/weights_match.h"

#include <algorithm>
#include <unordered_map>

#include "core/error.h"

namespace gyrus::io {
namespace {

bool is_allowed(std::string_view name, const AllowedExtras& extras) {
  const auto begins = [name](std::string_view prefix) { return name.starts_with(prefix); };
  const auto ends = [name](std::string_view suffix) { return name.ends_with(suffix); };
  return std::any_of(extras.prefixes.begin(), extras.prefixes.end(), begins) ||
         std::any_of(extras.suffixes.begin(), extras.suffixes.end(), ends);
}

}  // namespace

bool is_foldable_stem(std::string_view name, const Shape& wanted, const Shape& stored) {
  const bool is_stem =
      name == "conv1.weight" || name.ends_with("encoder.conv1.weight") || name.ends_with("patch_embed.proj.weight");
  return is_stem && wanted.rank() == 4 && stored.rank() == 4 && wanted[1] == 1 && stored[1] == 3 &&
         wanted[0] == stored[0] && wanted[2] == stored[2] && wanted[3] == stored[3];
}

MatchReport match_weights(std::span<const WantedTensor> wanted, std::span<const StoredTensor> stored,
                          const AllowedExtras& extras) {
  // Keyed by the model's own names: names chosen by the file are only looked up, so they cannot make this slow.
  std::unordered_map<std::string_view, const StoredTensor*> found;
  for (const WantedTensor& tensor : wanted) {
    GYRUS_CHECK(found.emplace(tensor.name, nullptr).second, Code::internal, "the tensor ", tensor.name,
                " is wanted twice; please report it");
  }
  MatchReport report;
  for (const StoredTensor& tensor : stored) {
    const auto at = found.find(tensor.name);
    if (at != found.end() && at->second == nullptr) {
      at->second = &tensor;
    } else if (at != found.end() || !is_allowed(tensor.name, extras)) {
      report.unexpected.push_back(tensor.name);
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
  if (!report.is_complete()) throw Error(Code::weights_mismatch, describe_mismatch(report, file));
}

}  // namespace gyrus::io
