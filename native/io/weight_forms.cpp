#include "io/weight_forms.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "core/error.h"
#include "io/utf8.h"

namespace gyrus::io {
namespace {

// What takes no part in the guessing, as names and their number are the file's choice: no network has such.
constexpr std::size_t kMaxNameBytes = 512, kMaxNames = 20000;
constexpr int kMaxCuts = 16;

using Names = std::unordered_set<std::string_view>;

// The rest of `name` behind `prefix`, if it begins so.
std::optional<std::string_view> after(std::string_view name, std::string_view prefix) {
  return name.starts_with(prefix) ? std::optional(name.substr(prefix.size())) : std::nullopt;
}

std::string plain(std::string_view name) { return std::string(name); }

// The first children of torchvision's ResNet in a Sequential, by their number: RadImageNet's PyTorch release.
std::string from_sequential_resnet(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kChildren{
      {{"0.", "conv1."}, {"1.", "bn1."}, {"4.", "layer1."}, {"5.", "layer2."}, {"6.", "layer3."}, {"7.", "layer4."}}};
  for (const auto& [number, child] : kChildren) {
    if (const auto rest = after(name, number)) return text(child, *rest);
  }
  return plain(name);
}

// solo-learn keeps backbone and projector apart, where moco-v3 and we have the projector as the backbone's head.
template <const char* backbone, const char* projector_of>
std::string from_solo_learn(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 2> kEncoders{
      {{"", "base_encoder."}, {"momentum_", "momentum_encoder."}}};
  for (const auto& [prefix, encoder] : kEncoders) {
    if (const auto rest = after(name, text(prefix, backbone))) return text(encoder, *rest);
    if (const auto rest = after(name, text(prefix, "projector."))) return text(encoder, projector_of, *rest);
  }
  return plain(name);
}
constexpr char kBackbone[] = "backbone.", kEncoder[] = "encoder.", kModel[] = "model.";
constexpr char kFc[] = "fc.", kHead[] = "head.";

// A module that keeps a classifier beside its backbone: solo-learn's linear evaluation, whose checkpoints the paper's
// authors released (science.md A5, B12), and Lightning modules of that kind. Whatever head the backbone has itself, and
// whatever else is in the checkpoint, is of another part.
template <const char* backbone, const char* head>
std::string from_classifier(std::string_view name) {
  if (const auto rest = after(name, backbone)) {
    return rest->starts_with(kFc) || rest->starts_with(kHead) ? std::string() : plain(*rest);
  }
  for (const std::string_view own : {"classifier.", "linear.", kFc, kHead}) {
    if (const auto rest = after(name, own)) return text(head, *rest);
  }
  return {};
}

struct Form {
  std::string_view title;
  std::string (*rename)(std::string_view);  // gives nothing for a name of another part
  // Parts that are there beside what is wanted, of the same prefix.
  std::array<std::string_view, 2> others{};
};

constexpr std::string_view kClassifierTitle = "solo-learn's or Lightning's backbone and classifier";
constexpr std::array<Form, 13> kForms{
    {{"torchvision's or timm's names", plain, {}},
     {"torchvision's ViT", from_torchvision_vit, {}},
     {"a ResNet in a Sequential, as RadImageNet's PyTorch release,", from_sequential_resnet, {}},
     {"solo-learn's MoCo v3", from_solo_learn<kBackbone, kFc>, {"classifier.", "momentum_classifier."}},
     {"solo-learn's MoCo v3", from_solo_learn<kBackbone, kHead>, {"classifier.", "momentum_classifier."}},
     {"solo-learn's older MoCo v3", from_solo_learn<kEncoder, kFc>, {"classifier.", "momentum_classifier."}},
     {"solo-learn's older MoCo v3", from_solo_learn<kEncoder, kHead>, {"classifier.", "momentum_classifier."}},
     {kClassifierTitle, from_classifier<kBackbone, kFc>, {}},
     {kClassifierTitle, from_classifier<kBackbone, kHead>, {}},
     {kClassifierTitle, from_classifier<kEncoder, kFc>, {}},
     {kClassifierTitle, from_classifier<kEncoder, kHead>, {}},
     {kClassifierTitle, from_classifier<kModel, kFc>, {}},
     {kClassifierTitle, from_classifier<kModel, kHead>, {}}}};

struct Candidate {
  std::size_t form = 0;
  std::string_view prefix;
  std::size_t matches = 0;
};

// A network beside the one that was trained: its running average, or what an optimizer keeps of it.
bool is_secondary(std::string_view prefix) {
  constexpr std::array<std::string_view, 5> kMarks{"momentum", "ema", "optimizer", "exp_avg", "target"};
  return std::any_of(kMarks.begin(), kMarks.end(),
                     [prefix](std::string_view mark) { return prefix.find(mark) != std::string_view::npos; });
}

// Every cut of every name at a dot is tried in every form.
std::vector<Candidate> candidates(const Names& wanted, std::span<const StoredTensor> stored) {
  std::vector<Candidate> all;
  for (std::size_t form = 0; form < kForms.size(); ++form) {
    std::map<std::string_view, std::size_t> counts;
    for (const StoredTensor& tensor : stored.first(std::min(stored.size(), kMaxNames))) {
      const std::string_view name = tensor.name;
      if (name.size() > kMaxNameBytes) continue;
      std::size_t begin = 0;
      for (int cut = 0; cut < kMaxCuts; ++cut) {
        if (wanted.contains(kForms.at(form).rename(name.substr(begin)))) ++counts[name.substr(0, begin)];
        const std::size_t dot = name.find('.', begin);
        if (dot == std::string_view::npos) break;
        begin = dot + 1;
      }
    }
    for (const auto& [prefix, count] : counts) all.push_back({form, prefix, count});
  }
  return all;
}

// Of equal counts, what was trained itself, then the earlier form. Two of them: the caller has to say which.
Candidate choose(std::vector<Candidate> all, std::size_t wanted, std::string_view file) {
  if (all.empty()) return {};
  const auto rank = [](const Candidate& candidate) {
    return std::tuple(-static_cast<std::ptrdiff_t>(candidate.matches), is_secondary(candidate.prefix), candidate.form);
  };
  std::stable_sort(all.begin(), all.end(), [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
  if (all[0].matches * 2 < wanted) return {};
  GYRUS_CHECK(all.size() < 2 || rank(all[0]) != rank(all[1]), Code::weights_mismatch, file,
              ": holds two networks that fit, under ", quoted(all[0].prefix), " and ", quoted(all[1].prefix),
              ". Remedy: save the state dict of the one that is meant alone");
  return all[0];
}

std::string describe(const Candidate& candidate) {
  std::string_view title = kForms.at(candidate.form).title;
  if (candidate.form == 0) {
    const auto has = [&](std::string_view part) { return candidate.prefix.find(part) != std::string_view::npos; };
    if (has("module.")) title = "moco-v3's or DataParallel's names";
    if (has("base_encoder.")) title = "moco-v3's names";
    if (has("backbone.")) title = "solo-learn's or Lightning's names";
  }
  return candidate.prefix.empty() ? std::string(title) : text(title, " under ", quoted(candidate.prefix));
}

// "layer1.0.conv2.bias" of "layer1.0.bn2.running_mean", "….downsample.0.bias" of "….downsample.1.running_mean": the
// convolution before a batch norm, by torchvision's names. Empty: of another name.
std::string bias_before(std::string_view running_mean) {
  constexpr std::string_view kMean = ".running_mean", kShortcut = "downsample.1";
  if (!running_mean.ends_with(kMean)) return {};
  const std::string_view norm = running_mean.substr(0, running_mean.size() - kMean.size());
  if (norm.ends_with(kShortcut)) return text(norm.substr(0, norm.size() - 1), "0.bias");
  const std::size_t last = norm.rfind("bn");
  if (last == std::string_view::npos) return {};
  return text(norm.substr(0, last), "conv", norm.substr(last + 2), ".bias");
}

// Takes the convolutions' biases out of the list, to be folded, when every batch norm has one before it.
void fold_biases(const Names& wanted, RecognisedWeights& weights) {
  std::unordered_map<std::string_view, std::size_t> index;
  for (std::size_t at = 0; at < weights.tensors.size(); ++at) index.emplace(weights.tensors[at].name, at);
  std::vector<std::pair<std::size_t, std::size_t>> folds;  // running mean, bias
  std::size_t means = 0;
  for (const std::string_view name : wanted) {
    const std::string bias = bias_before(name);
    if (bias.empty() || wanted.contains(bias)) continue;
    ++means;
    const auto mean_at = index.find(name), bias_at = index.find(bias);
    if (mean_at == index.end() || bias_at == index.end()) continue;
    const Shape& shape = weights.tensors[mean_at->second].shape;
    if (weights.tensors[bias_at->second].shape == shape) folds.emplace_back(mean_at->second, bias_at->second);
  }
  if (folds.empty() || folds.size() != means) return;
  std::vector<bool> is_folded(weights.tensors.size());
  for (const auto& [mean, bias] : folds) {
    weights.sources[mean].bias = weights.sources[bias].source;
    is_folded[bias] = true;
  }
  RecognisedWeights kept;
  for (std::size_t at = 0; at < weights.tensors.size(); ++at) {
    if (is_folded[at]) {
      weights.folded.push_back(weights.sources[at].source->name);
      continue;
    }
    kept.tensors.push_back(std::move(weights.tensors[at]));
    kept.sources.push_back(weights.sources[at]);
  }
  weights.tensors = std::move(kept.tensors);
  weights.sources = std::move(kept.sources);
  weights.has_biases = true;
  weights.form += ", with biases of the convolutions, which were folded into the running means";
}

}  // namespace

RecognisedWeights recognise_weights(std::span<const WantedTensor> wanted, std::span<const StoredTensor> stored,
                                    std::string_view file) {
  Names names;
  for (const WantedTensor& tensor : wanted) names.insert(tensor.name);
  const Candidate chosen = choose(candidates(names, stored), wanted.size(), file);
  const Form& form = kForms.at(chosen.form);
  RecognisedWeights weights{.form = chosen.matches == 0 ? "no known form" : describe(chosen),
                            .prefix = std::string(chosen.prefix),
                            .tensors = {},
                            .sources = {},
                            .folded = {},
                            .other_parts = {}};
  for (const StoredTensor& tensor : stored) {
    const auto rest = after(tensor.name, chosen.prefix);
    if (!rest) {
      weights.other_parts.push_back({tensor.name, text("outside ", quoted(chosen.prefix))});
      continue;
    }
    const bool is_other = std::any_of(form.others.begin(), form.others.end(), [&](std::string_view other) {
      return !other.empty() && rest->starts_with(other);
    });
    std::string name = is_other ? std::string() : form.rename(*rest);
    if (name.empty()) {
      weights.other_parts.push_back({tensor.name, "another part of the checkpoint"});
      continue;
    }
    weights.tensors.push_back(tensor);
    weights.tensors.back().name = std::move(name);
    weights.sources.push_back({&tensor, nullptr});
  }
  fold_biases(names, weights);
  return weights;
}

MatchReport match_recognised(std::span<const WantedTensor> wanted, const RecognisedWeights& weights,
                             const AllowedExtras& extras) {
  MatchReport report = match_weights(wanted, weights.tensors, extras, weights.sources);
  report.form = weights.form;
  report.prefix = weights.prefix;
  report.folded = weights.folded;
  report.ignored.insert(report.ignored.end(), weights.other_parts.begin(), weights.other_parts.end());
  return report;
}

}  // namespace gyrus::io
