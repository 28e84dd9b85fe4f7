// The message that describes a MatchReport, and its guesses at a remedy.
#include <algorithm>
#include <iterator>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <utility>

#include "core/error.h"
#include "io/utf8.h"
#include "io/weights_match.h"

namespace gyrus::io {
namespace {

// Bounds on the guessing: names come from the file, their number and length are the file's choice.
constexpr std::size_t kMaxNames = 2000;
constexpr std::size_t kMaxNameBytes = 200;
constexpr std::size_t kMaxGuesses = 20;  // missing names for which a similar one is sought

// What stands before a wanted name in a name of the file, or the other way round.
struct Prefix {
  std::string prefix;
  std::size_t names = 0;
};

// The prefix that, put before names in `bare`, gives the most names in `carriers`.
std::optional<Prefix> common_prefix(std::span<const std::string> bare, std::span<const std::string> carriers) {
  const std::set<std::string_view> known(bare.begin(),
                                         bare.begin() + static_cast<std::ptrdiff_t>(std::min(bare.size(), kMaxNames)));
  std::map<std::string_view, std::size_t> counts;  // ordered: of two equal counts the first by name wins
  for (const std::string& carrier : carriers.first(std::min(carriers.size(), kMaxNames))) {
    if (carrier.size() > kMaxNameBytes) continue;
    const std::string_view name = carrier;
    for (std::size_t dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.', dot + 1)) {
      if (known.contains(name.substr(dot + 1))) ++counts[name.substr(0, dot + 1)];
    }
  }
  const auto best =
      std::max_element(counts.begin(), counts.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  if (best == counts.end()) return std::nullopt;
  return Prefix{std::string(best->first), best->second};
}

// Levenshtein's distance.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0U : 1U);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

std::string digits_of(std::string_view name) {
  std::string digits;
  std::copy_if(name.begin(), name.end(), std::back_inserter(digits), [](char c) { return c >= '0' && c <= '9'; });
  return digits;
}

// The unexpected name closest to `missing` behind the prefix of all that was read, if no more than a fifth of its
// letters differ. Names that differ in a number are different layers, not spellings of one.
std::optional<std::string> closest(const std::string& missing, std::span<const std::string> unexpected,
                                   std::string_view prefix) {
  std::optional<std::string> best;
  std::size_t best_distance = missing.size() / 5 + 1;
  for (const std::string& name : unexpected.first(std::min(unexpected.size(), kMaxNames))) {
    if (name.size() > kMaxNameBytes || !name.starts_with(prefix)) continue;
    const std::string_view bare = std::string_view(name).substr(prefix.size());
    if (digits_of(bare) != digits_of(missing)) continue;
    const std::size_t distance = edit_distance(missing, bare);
    if (distance < best_distance) {
      best = name;
      best_distance = distance;
    }
  }
  return best;
}

// "[3, 2]" of "[2, 3]".
std::string reversed(std::string_view shape) {
  std::string out;
  std::string_view rest = shape.substr(1, shape.size() - 2);
  while (true) {
    const std::size_t comma = rest.rfind(", ");
    if (comma == std::string_view::npos) return text("[", out, rest, "]");
    out += text(rest.substr(comma + 2), ", ");
    rest = rest.substr(0, comma);
  }
}

std::string remedy(const MatchReport& report) {
  if (const auto prefix = common_prefix(report.missing, report.unexpected)) {
    return text(prefix->names, " of the file's names carry the prefix ", quoted(prefix->prefix), ": strip it");
  }
  if (const auto prefix = common_prefix(report.unexpected, report.missing)) {
    return text(prefix->names, " of the file's names lack the prefix ", quoted(prefix->prefix), ": put it before them");
  }
  for (const std::string& missing : std::span(report.missing).first(std::min(report.missing.size(), kMaxGuesses))) {
    if (const auto name = closest(missing, report.unexpected, report.prefix)) {
      return text("did ", quoted(*name), " mean ", quoted(report.prefix + missing), "? Rename it");
    }
  }
  for (const MatchReport::Misshapen& tensor : report.misshapen) {
    if (tensor.found == reversed(tensor.expected)) {
      return text(quoted(tensor.name), " is transposed: save it as ", tensor.expected);
    }
  }
  if (report.matched.empty() && report.misshapen.empty()) return "the file is of another architecture: check arch";
  if (report.missing.empty() && report.unexpected.empty()) {
    return "the names fit, the sizes do not: check arch, imageSize and channels";
  }
  return "check that arch is the one that the file was made with";
}

// "; 3 missing: a, b, ... (1 more)"
template <class Item, class Show>
void append_list(std::string& out, std::string_view title, const std::vector<Item>& items, std::size_t limit,
                 Show show) {
  if (items.empty()) return;
  out += text("; ", items.size(), " ", title);
  std::string_view separator = ": ";
  for (const Item& item : std::span(items).first(std::min(limit, items.size()))) {
    out += text(separator, show(item));
    separator = ", ";
  }
  if (items.size() > limit) out += text(separator, items.size() - limit, " more");
}

// "; left aside: 2 (a head, which is not read here), 20 (…)"
void append_ignored(std::string& out, const MatchReport& report) {
  std::vector<std::pair<std::string_view, std::size_t>> reasons;
  for (const IgnoredTensor& tensor : report.ignored) {
    const auto found =
        std::find_if(reasons.begin(), reasons.end(), [&](const auto& known) { return known.first == tensor.reason; });
    if (found == reasons.end()) {
      reasons.emplace_back(tensor.reason, 1);
    } else {
      ++found->second;
    }
  }
  std::string_view separator = "; left aside: ";
  for (const auto& [reason, count] : reasons) {
    out += text(separator, count, " (", reason, ")");
    separator = ", ";
  }
}

}  // namespace

std::string describe_mismatch(const MatchReport& report, std::string_view file, std::size_t limit) {
  const std::size_t wanted = report.matched.size() + report.missing.size() + report.misshapen.size();
  std::string out = text(file, ": holds ", report.matched.size(), " of the ", wanted, " tensors that the model wants");
  if (!report.form.empty()) out += text(" (read as ", report.form, ")");
  append_list(out, "missing", report.missing, limit, quoted);
  append_list(out, "unexpected", report.unexpected, limit, quoted);
  append_list(out, "of another shape", report.misshapen, limit, [](const MatchReport::Misshapen& tensor) {
    return text(quoted(tensor.name), " expected ", tensor.expected, " found ", tensor.found);
  });
  append_ignored(out, report);
  return report.is_complete() ? out : text(out, ". Remedy: ", remedy(report));
}

}  // namespace gyrus::io
