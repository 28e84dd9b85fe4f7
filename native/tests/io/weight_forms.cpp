// Under which names other libraries keep the same networks.
#include "io/weight_forms.h"

#include <algorithm>
#include <string>
#include <vector>

#include "tests/harness/suites.h"
#include "tests/io/scratch.h"

namespace gyrus::tests::suites {
namespace {

using io::RecognisedWeights;
using io::StoredTensor;
using io::WantedTensor;

const std::vector<WantedTensor> kResnet{{"conv1.weight", Shape{4, 3, 7, 7}},
                                        {"bn1.weight", Shape{4}},
                                        {"bn1.running_mean", Shape{4}},
                                        {"layer1.0.conv2.weight", Shape{4, 4, 3, 3}},
                                        {"layer1.0.bn2.running_mean", Shape{4}},
                                        {"layer1.0.downsample.0.weight", Shape{4, 4, 1, 1}},
                                        {"layer1.0.downsample.1.running_mean", Shape{4}}};

std::vector<StoredTensor> stored(const std::vector<std::string>& names) {
  std::vector<StoredTensor> tensors;
  tensors.reserve(names.size());
  for (const std::string& name : names) tensors.push_back({name, {}, Shape{4}, 0, 16});
  return tensors;
}

std::vector<std::string> with_prefix(const std::string& prefix, const std::vector<WantedTensor>& wanted) {
  std::vector<std::string> names;
  names.reserve(wanted.size());
  for (const WantedTensor& tensor : wanted) names.push_back(prefix + tensor.name);
  return names;
}

std::vector<std::string> names_of(const RecognisedWeights& weights) {
  std::vector<std::string> names;
  for (const StoredTensor& tensor : weights.tensors) names.push_back(tensor.name);
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> sorted(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> operator+(std::vector<std::string> a, const std::vector<std::string>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

void test_prefixes(Suite& suite) {
  suite.test("a backbone is found under any prefix", [](Check& check) {
    for (const std::string prefix :
         {"", "module.", "model.", "state_dict.backbone.", "state_dict.module.base_encoder."}) {
      const auto file = stored(with_prefix(prefix, kResnet));
      const RecognisedWeights weights = io::recognise_weights(kResnet, file, "w");
      check.that(names_of(weights) == sorted(with_prefix("", kResnet)), "names under '", prefix, "'");
      check.equal(weights.prefix, prefix, "prefix");
      check.that(weights.sources[0].source == &file[0], "the source");
    }
  });
  suite.test("the trained encoder is preferred to its running average, other parts are left aside", [](Check& check) {
    const std::vector<std::string> other{"state_dict.classifier.weight", "optimizer.0.exp_avg", "epoch"};
    const auto solo = stored(with_prefix("state_dict.momentum_backbone.", kResnet) +
                             with_prefix("state_dict.backbone.", kResnet) + other);
    const RecognisedWeights weights = io::recognise_weights(kResnet, solo, "w");
    check.equal(weights.prefix, "state_dict.backbone.", "solo-learn");
    check.equal(weights.tensors.size(), kResnet.size(), "tensors");
    check.that(contains(weights.form, "solo-learn"), weights.form);
    const auto moco =
        stored(with_prefix("module.momentum_encoder.", kResnet) + with_prefix("module.base_encoder.", kResnet) +
               std::vector<std::string>{"module.predictor.0.weight"});
    check.equal(io::recognise_weights(kResnet, moco, "w").prefix, "module.base_encoder.", "moco-v3");
  });
  suite.test("two networks that fit equally are refused", [](Check& check) {
    const auto file = stored(with_prefix("student.", kResnet) + with_prefix("teacher.", kResnet));
    const std::string message =
        check.throws(Code::weights_mismatch, "two networks", [&] { io::recognise_weights(kResnet, file, "w.pth"); });
    check.that(contains(message, "w.pth") && contains(message, "student.") && contains(message, "teacher."), message);
  });
  suite.test("what fits too little is given as it is", [](Check& check) {
    const auto file = stored({"a.conv1.weight", "a.bn1.weight", "b"});
    const RecognisedWeights weights = io::recognise_weights(kResnet, file, "w");
    check.that(names_of(weights) == std::vector<std::string>({"a.bn1.weight", "a.conv1.weight", "b"}), "names");
    check.equal(weights.form, "no known form", "form");
  });
}

void test_forms(Suite& suite) {
  suite.test("torchvision's ViT, there and back", [](Check& check) {
    const std::vector<std::pair<std::string, std::string>> names{
        {"class_token", "cls_token"},
        {"conv_proj.weight", "patch_embed.proj.weight"},
        {"encoder.pos_embedding", "pos_embed"},
        {"encoder.layers.encoder_layer_11.ln_1.bias", "blocks.11.norm1.bias"},
        {"encoder.layers.encoder_layer_0.self_attention.in_proj_weight", "blocks.0.attn.qkv.weight"},
        {"encoder.layers.encoder_layer_0.self_attention.out_proj.bias", "blocks.0.attn.proj.bias"},
        {"encoder.layers.encoder_layer_3.ln_2.weight", "blocks.3.norm2.weight"},
        {"encoder.layers.encoder_layer_3.mlp.0.weight", "blocks.3.mlp.fc1.weight"},
        {"encoder.layers.encoder_layer_3.mlp.3.bias", "blocks.3.mlp.fc2.bias"},
        {"encoder.ln.weight", "norm.weight"},
        {"heads.head.bias", "head.bias"}};
    std::vector<WantedTensor> wanted;
    std::vector<std::string> foreign;
    for (const auto& [torchvision, timm] : names) {
      check.equal(io::from_torchvision_vit(torchvision), timm, torchvision);
      check.equal(io::to_torchvision_vit(timm), torchvision, timm);
      wanted.push_back({timm, Shape{4}});
      foreign.push_back("module." + torchvision);
    }
    check.equal(io::from_torchvision_vit("encoder.layers.encoder_layer_3.mlp.linear_2.bias"), "blocks.3.mlp.fc2.bias",
                "old");
    check.equal(io::from_torchvision_vit("encoder.layers.encoder_layer_3"), "encoder.layers.encoder_layer_3", "stump");
    const auto file = stored(foreign);
    const RecognisedWeights weights = io::recognise_weights(wanted, file, "w");
    check.that(names_of(weights) == sorted(with_prefix("", wanted)) && contains(weights.form, "torchvision's ViT"),
               weights.form);
  });
}

void test_classifiers(Suite& suite) {
  const std::vector<WantedTensor> head{{"fc.weight", Shape{4, 4}}, {"fc.bias", Shape{4}}};
  std::vector<WantedTensor> whole = kResnet;
  whole.insert(whole.end(), head.begin(), head.end());
  suite.test("a classifier beside its backbone, as in the authors' checkpoints", [whole](Check& check) {
    for (const std::string backbone : {"backbone.", "encoder.", "model."}) {
      for (const std::string classifier : {"classifier.", "linear.", "fc.", "head."}) {
        const std::string begin = "state_dict." + backbone;
        const std::vector<std::string> own{"state_dict." + classifier + "weight", "state_dict." + classifier + "bias"};
        const std::vector<std::string> other{"state_dict.projector.0.weight", "state_dict.momentum_classifier.weight",
                                             begin + "fc.weight", "optimizer_states.0.exp_avg"};
        const auto file =
            stored(with_prefix("state_dict.momentum_" + backbone, kResnet) + with_prefix(begin, kResnet) + other + own);
        const RecognisedWeights weights = io::recognise_weights(whole, file, "w");
        check.that(names_of(weights) == sorted(with_prefix("", whole)), weights.form, ": ", begin, ", ", classifier);
        check.equal(weights.sources.back().source->name, own[1], "the source of the bias");
        check.equal(io::recognise_weights(kResnet, file, "w").tensors.size(), kResnet.size() + 1, "the backbone alone");
      }
    }
  });
  suite.test("a whole network under a prefix has its own classifier", [whole](Check& check) {
    const auto file = stored(with_prefix("state_dict.model.", whole));
    check.equal(io::recognise_weights(whole, file, "w").prefix, "state_dict.model.", "prefix");
  });
}

void test_resnet_forms(Suite& suite) {
  suite.test("a ResNet in a Sequential", [](Check& check) {
    const auto file =
        stored({"backbone.0.weight", "backbone.1.weight", "backbone.1.running_mean", "backbone.4.0.conv2.weight",
                "backbone.4.0.bn2.running_mean", "backbone.4.0.downsample.0.weight",
                "backbone.4.0.downsample.1.running_mean", "fc.weight"});
    const RecognisedWeights weights = io::recognise_weights(kResnet, file, "w");
    check.that(names_of(weights) == sorted(with_prefix("", kResnet)), weights.form);
    check.that(!weights.has_biases, "biases");
  });
  suite.test("biases of all convolutions are folded, of some are not", [](Check& check) {
    const std::vector<std::string> biases{"conv1.bias", "layer1.0.conv2.bias", "layer1.0.downsample.0.bias"};
    const auto file = stored(with_prefix("", kResnet) + biases);
    const RecognisedWeights weights = io::recognise_weights(kResnet, file, "w");
    check.that(weights.has_biases && names_of(weights) == sorted(with_prefix("", kResnet)), weights.form);
    for (std::size_t at = 0; at < weights.tensors.size(); ++at) {
      const std::string& name = weights.tensors[at].name;
      const StoredTensor* const bias = weights.sources[at].bias;
      const std::string expected = name == "bn1.running_mean"            ? "conv1.bias"
                                   : name == "layer1.0.bn2.running_mean" ? "layer1.0.conv2.bias"
                                   : name.ends_with("running_mean")      ? "layer1.0.downsample.0.bias"
                                                                         : "";
      check.equal(bias == nullptr ? "" : bias->name, expected, name);
    }
    const auto partial = stored(with_prefix("", kResnet) + std::vector<std::string>{"conv1.bias"});
    const RecognisedWeights kept = io::recognise_weights(kResnet, partial, "w");
    check.that(!kept.has_biases && kept.tensors.size() == kResnet.size() + 1, "some biases");
  });
  suite.test("solo-learn's parts are a MoCo trainer's", [](Check& check) {
    const std::vector<std::string> own{"base_encoder.conv1.weight", "base_encoder.fc.0.weight",
                                       "momentum_encoder.conv1.weight", "momentum_encoder.fc.0.weight",
                                       "predictor.0.weight"};
    std::vector<WantedTensor> wanted;
    wanted.reserve(own.size());
    for (const std::string& name : own) wanted.push_back({name, Shape{4}});
    for (const std::string backbone : {"backbone.", "encoder."}) {
      const auto file =
          stored({"state_dict." + backbone + "conv1.weight", "state_dict.projector.0.weight",
                  "state_dict.momentum_" + backbone + "conv1.weight", "state_dict.momentum_projector.0.weight",
                  "state_dict.predictor.0.weight", "state_dict.classifier.weight", "loops.x"});
      check.that(names_of(io::recognise_weights(wanted, file, "w")) == sorted(own), backbone);
    }
  });
}

void test_accounting(Suite& suite) {
  suite.test("every tensor of a file is accounted for, under its own name", [](Check& check) {
    const std::vector<std::string> strange{"state_dict.backbone.fc.weight",
                                           "state_dict.backbone.bn1.num_batches_tracked", "state_dict.backbone.strange",
                                           "optimizer.0.exp_avg", "strange"};
    const auto file = stored(with_prefix("state_dict.backbone.", kResnet) +
                             with_prefix("state_dict.momentum_backbone.", kResnet) + strange);
    const io::MatchReport report = io::match_recognised(kResnet, io::recognise_weights(kResnet, file, "w"));
    check.that(report.unexpected == std::vector<std::string>{"state_dict.backbone.strange"}, "unexpected");
    std::vector<std::string> ignored;
    for (const io::IgnoredTensor& tensor : report.ignored) {
      ignored.push_back(tensor.name);
      const std::string_view reason = tensor.name.ends_with("fc.weight") ? "a head"
                                      : tensor.name.ends_with("num_batches_tracked")
                                          ? "a count"
                                          : "outside \"state_dict.backbone.\"";
      check.that(contains(tensor.reason, reason), tensor.name, ": ", tensor.reason);
    }
    check.that(sorted(ignored) == sorted(with_prefix("state_dict.momentum_backbone.", kResnet) +
                                         std::vector<std::string>{strange[0], strange[1], strange[3], strange[4]}),
               "ignored");
    const std::string message = io::describe_mismatch(report, "w");
    check.that(contains(message, "1 unexpected: \"state_dict.backbone.strange\"") &&
                   contains(message, "9 (outside \"state_dict.backbone.\")"),
               message);
  });
  suite.test("what is folded and what a form leaves aside are told", [](Check& check) {
    const auto keras = stored(with_prefix("", kResnet) + std::vector<std::string>{"conv1.bias", "layer1.0.conv2.bias",
                                                                                  "layer1.0.downsample.0.bias"});
    const io::MatchReport folded = io::match_recognised(kResnet, io::recognise_weights(kResnet, keras, "w"));
    check.equal(folded.folded.size(), 3U, "folded");
    check.that(folded.unexpected.empty() && folded.ignored.empty(), "nothing else is left");
    std::vector<WantedTensor> whole = kResnet;
    whole.push_back({"fc.weight", Shape{4}});
    const auto classifier =
        stored(with_prefix("backbone.", kResnet) + std::vector<std::string>{"classifier.weight", "projector.0.weight"});
    const io::MatchReport report = io::match_recognised(whole, io::recognise_weights(whole, classifier, "w"));
    check.that(report.missing.empty() && report.unexpected.empty(), io::describe_mismatch(report, "w"));
    if (check.equal(report.ignored.size(), 1U, "ignored")) {
      check.equal(report.ignored[0].name, "projector.0.weight", "name");
      check.equal(report.ignored[0].reason, "another part of the checkpoint", "reason");
    }
  });
  suite.test("a misspelt name is found behind a prefix", [](Check& check) {
    std::vector<std::string> names = with_prefix("module.", kResnet);
    names[3] = "module.layer1.0.conv_2.weight";
    const auto file = stored(names);
    const io::MatchReport report = io::match_recognised(kResnet, io::recognise_weights(kResnet, file, "w"));
    const std::string message = io::describe_mismatch(report, "w");
    check.that(
        contains(message, "did \"module.layer1.0.conv_2.weight\" mean \"module.layer1.0.conv2.weight\"? Rename it"),
        message);
  });
}

}  // namespace

void io_weight_forms(Suite& suite) {
  test_accounting(suite);
  test_prefixes(suite);
  test_forms(suite);
  test_classifiers(suite);
  test_resnet_forms(suite);
}

}  // namespace gyrus::tests::suites
