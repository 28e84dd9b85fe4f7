// Matching the tensors that a model wants with those that a file has, and saying what does not fit.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "core/shape.h"
#include "io/tensor_file.h"

namespace gyrus::io {

struct WantedTensor {
  std::string name;
  Shape shape;
};

// What is read of a tensor that the network wants, under whatever name the file has it.
struct RecognisedTensor {
  const StoredTensor* source = nullptr;  // in the file
  // Of a running mean: the bias of the convolution before it, which is subtracted, as
  // bn(conv(x) + bias) with mean m is bn(conv(x)) with mean m - bias.
  const StoredTensor* bias = nullptr;
};

// What a file may hold beyond what is wanted without being unexpected: classifier heads and PyTorch's batch counters.
struct AllowedExtras {
  std::vector<std::string> prefixes{"fc.", "head."};
  std::vector<std::string> suffixes{"num_batches_tracked"};
};

// A tensor of the file that is left aside on purpose, and why.
struct IgnoredTensor {
  std::string name, reason;
};

// Every wanted name is in exactly one of matched, missing and misshapen, in the order wanted. Every tensor of the file
// is in exactly one of matched, misshapen, unexpected, ignored and folded; the last three have the file's own names, in
// its order.
struct MatchReport {
  std::vector<std::string> matched, missing, unexpected;
  std::string form;                  // what weight_forms.h found the names to be
  std::string prefix;                // of the file's names that were read; what stands under others is ignored
  std::vector<std::string> adapted;  // of the matched ones: stems whose three input channels were summed into one
  std::vector<std::string> folded;   // convolutions' biases that went into the running means behind them
  std::vector<IgnoredTensor> ignored;
  struct Misshapen {
    std::string name, expected, found;
  };
  std::vector<Misshapen> misshapen;

  bool is_complete() const { return missing.empty() && unexpected.empty() && misshapen.empty(); }
};

// Code::weights_mismatch with all the names that its message has no room for.
class WeightsMismatch : public Error {
 public:
  WeightsMismatch(MatchReport report, std::string message)
      : Error(Code::weights_mismatch, std::move(message)), report_(std::move(report)) {}
  const MatchReport& report() const noexcept { return report_; }

 private:
  MatchReport report_;
};

// Whether a stem over RGB can serve one grey channel: the sum over the input channels computes the same of a grey image
// that was replicated. Only for the first convolutions of the known architectures.
bool is_foldable_stem(std::string_view name, const Shape& wanted, const Shape& stored);

// A pure function; wanted names must differ. `sources`: where each of `stored` comes from, if their names are not the
// file's own.
MatchReport match_weights(std::span<const WantedTensor> wanted, std::span<const StoredTensor> stored,
                          const AllowedExtras& extras = {}, std::span<const RecognisedTensor> sources = {});

// The message for Code::weights_mismatch: counts, at most `limit` names of each list, how many were left aside and why,
// and a remedy where one can be guessed ('these names carry the prefix "module.": strip it', names that differ by a few
// letters, a transposed shape).
std::string describe_mismatch(const MatchReport& report, std::string_view file, std::size_t limit = 5);

// Throws WeightsMismatch with that message unless the report is complete.
void check_match(const MatchReport& report, std::string_view file);

}  // namespace gyrus::io
