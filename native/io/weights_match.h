// Matching the tensors that a model wants with those that a file has, and saying what does not fit.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/shape.h"
#include "io/tensor_file.h"

namespace gyrus::io {

struct WantedTensor {
  std::string name;
  Shape shape;
};

// What a file may hold beyond what is wanted without being unexpected: classifier heads and PyTorch's batch counters.
struct AllowedExtras {
  std::vector<std::string> prefixes{"fc.", "head."};
  std::vector<std::string> suffixes{"num_batches_tracked"};
};

// Every wanted name is in exactly one of matched, missing and misshapen, in the order wanted; `unexpected` holds the
// file's other names that are not allowed extras, in the file's order.
struct MatchReport {
  std::vector<std::string> matched, missing, unexpected;
  std::string form;                  // what weight_forms.h found the names to be
  std::vector<std::string> adapted;  // of the matched ones: stems whose three input channels were summed into one
  struct Misshapen {
    std::string name, expected, found;
  };
  std::vector<Misshapen> misshapen;

  bool is_complete() const { return missing.empty() && unexpected.empty() && misshapen.empty(); }
};

// Whether a stem over RGB can serve one grey channel: the sum over the input channels computes the same of a grey image
// that was replicated. Only for the first convolutions of the known architectures.
bool is_foldable_stem(std::string_view name, const Shape& wanted, const Shape& stored);

// A pure function; wanted names must differ.
MatchReport match_weights(std::span<const WantedTensor> wanted, std::span<const StoredTensor> stored,
                          const AllowedExtras& extras = {});

// The message for Code::weights_mismatch: counts, at most `limit` names of each list, and a remedy where one can be
// guessed ('these names carry the prefix "module.": strip it', names that differ by a few letters, a transposed shape).
std::string describe_mismatch(const MatchReport& report, std::string_view file, std::size_t limit = 5);

// Throws Code::weights_mismatch with that message unless the report is complete.
void check_match(const MatchReport& report, std::string_view file);

}  // namespace gyrus::io
