// The models as descriptions: their parameters, their names, what they refuse, and how they start.
#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <string>

#include "graph/ops.h"
#include "nn/encoder.h"
#include "nn/init.h"
#include "tests/goldens/golden_file.h"
#include "tests/goldens/golden_fill.h"
#include "tests/harness/compare.h"
#include "tests/harness/suites.h"

namespace gyrus::tests::suites {
namespace {

using graph::Role;

std::int64_t count_parameters(const graph::ParameterSpecs& specs) {
  std::int64_t count = 0;
  for (const auto& spec : specs) count += spec.is_buffer ? 0 : spec.shape.elements();
  return count;
}

// The sources that the forward pass reads are exactly the declared parameters, with shape and role.
void check_sources(Check& check, const nn::EncoderOptions& options, nn::Mode mode) {
  graph::Graph graph;
  nn::Scope scope{graph, "base.", "view1/", Role::ema, "mine.", mode};
  const Shape image{2, options.image_height, options.image_width, options.channels};
  const graph::ValueId x = graph.add_source(Role::input, "x", {image, DType::f32});
  const graph::ValueId y = nn::encoder_features(scope, x, options);
  check.that(graph.value(y).shape() == Shape{2, nn::feature_dim(options)}, "features are ", graph.value(y).shape());
  std::map<std::string, Shape> expected, found;
  for (const auto& spec : nn::encoder_parameters(options)) {
    const char* const role = spec.is_buffer ? "buf/mine." : spec.is_trainable ? "ema/base." : "param/base.";
    expected[role + spec.name] = spec.shape;
  }
  for (const auto& value : graph.values()) {
    if (!value.producer.is_valid() && value.role != Role::input) found[value.name] = value.shape();
  }
  check.that(found == expected, options.arch, ": the graph reads ", found.size(), " parameters, ", expected.size(),
             " are declared, and some differ");
  for (const auto& node : graph.nodes()) check.that(node.name.starts_with("view1/"), "name of a node: ", node.name);
}

const graph::ParameterSpec& find(const graph::ParameterSpecs& specs, const std::string& name) {
  const auto found = std::ranges::find(specs, name, &graph::ParameterSpec::name);
  GYRUS_CHECK(found != specs.end(), Code::name, "no parameter ", name);
  return *found;
}

std::vector<double> initial(const graph::ParameterSpec& spec, std::uint64_t seed) {
  std::vector<float> values(static_cast<std::size_t>(spec.shape.elements()));
  nn::initialize(spec, seed, values);
  return {values.begin(), values.end()};
}

double root_mean_square(const std::vector<double>& values) {
  double squares = 0;
  for (const double value : values) squares += value * value;
  return std::sqrt(squares / static_cast<double>(values.size()));
}

// FNV-1a over 32-bit patterns, as checksum() in test/goldens/init.py.
std::string checksum(const std::vector<float>& values) {
  std::uint64_t state = 0xcbf29ce484222325ULL;
  for (const float value : values) state = (state ^ std::bit_cast<std::uint32_t>(value)) * 0x100000001b3ULL;
  std::string digits(16, '0');
  for (std::size_t i = 16; i-- > 0; state >>= 4) digits[i] = "0123456789abcdef"[state & 15];
  return digits;
}

void test_structure(Suite& suite) {
  suite.test("parameter counts are torchvision's and timm's", [](Check& check) {
    const auto count = [](const std::string& arch) { return count_parameters(nn::encoder_parameters({.arch = arch})); };
    check.equal(count("resnet18"), 11'176'512, "resnet18");
    check.equal(count("resnet34"), 21'284'672, "resnet34");
    check.equal(count("resnet50"), 23'508'032, "resnet50");
    check.equal(count("vit_tiny_patch16_224"), 5'524'416, "vit_tiny");
    check.equal(count("vit_small_patch16_224"), 21'665'664, "vit_small");
    check.equal(count("vit_base_patch16_224"), 85'798'656, "vit_base");
    check.equal(count("mocov3_vit_base"), 85'798'656, "mocov3_vit_base");
    check.equal(nn::encoder_parameters({.arch = "resnet50"}).size(), std::size_t{265}, "tensors of resnet50");
    const nn::MlpOptions projector{.layers = 2, .in = 2048};
    check.equal(count_parameters(nn::mlp_parameters("fc", projector)), 9'445'376, "projector of resnet50");
    const nn::MlpOptions predictor{.layers = 2, .in = 256, .has_last_norm = false};
    check.equal(count_parameters(nn::mlp_parameters("", predictor)), 2'105'344, "predictor of resnet50");
  });
  suite.test("what is declared is what the graph reads", [](Check& check) {
    for (const std::string_view arch : nn::architecture_names()) {
      nn::EncoderOptions options{.arch = std::string(arch), .image_height = 64, .image_width = 48};
      for (const int channels : {1, 3}) {
        options.channels = channels;
        check_sources(check, options, nn::Mode::training);
        check_sources(check, options, nn::Mode::inference);
      }
      if (arch.find("vit") == std::string_view::npos) continue;
      options.has_trainable_positions = options.has_frozen_patch_projection = true;
      check_sources(check, options, nn::Mode::training);
    }
  });
  suite.test("two views share parameters and running statistics", [](Check& check) {
    graph::Graph graph;
    const nn::EncoderOptions options{.arch = "resnet18", .image_height = 32, .image_width = 32};
    const graph::ValueId x = graph.add_source(Role::input, "x", {Shape{2, 32, 32, 3}, DType::f32});
    const auto sources = [&graph] {
      return std::ranges::count_if(graph.values(), [](const auto& value) { return !value.producer.is_valid(); });
    };
    nn::Scope first{.graph = graph, .activation_prefix = "view1/"},
        second{.graph = graph, .activation_prefix = "view2/"};
    nn::encoder_features(first, x, options);
    const auto before = sources();
    nn::encoder_features(second, x, options);
    check.equal(sources(), before, "sources after the second view");
  });
}

void test_refusals(Suite& suite) {
  suite.test("an unknown architecture is met with the nearest name", [](Check& check) {
    const auto message = [&check](const std::string& arch) {
      return check.throws(Code::name, arch, [&] { nn::encoder_parameters({.arch = arch}); });
    };
    check.that(message("resnet5").find("did you mean 'resnet50'") != std::string::npos, message("resnet5"));
    check.that(message("ResNet18").find("did you mean 'resnet18'") != std::string::npos, message("ResNet18"));
    check.that(message("vit_smal_patch16").find("did you mean 'vit_small_patch16_224'") != std::string::npos,
               message("vit_smal_patch16"));
    check.throws(Code::name, "empty", [] { nn::feature_dim({.arch = ""}); });
  });
  suite.test("sizes and options that do not fit are refused", [](Check& check) {
    const auto refuses = [&check](Code code, std::string_view what, const nn::EncoderOptions& options) {
      check.throws(code, what, [&] { nn::encoder_parameters(options); });
    };
    const std::string vit = "vit_tiny_patch16_224";
    refuses(Code::shape, "channels", {.arch = "resnet18", .channels = 2});
    refuses(Code::shape, "no height", {.arch = "resnet18", .image_height = 0});
    refuses(Code::shape, "patch", {.arch = vit, .image_height = 224, .image_width = 220});
    refuses(Code::invalid_argument, "heads", {.arch = vit, .heads = 5});
    refuses(Code::invalid_argument, "negative heads", {.arch = vit, .heads = -3});
    refuses(Code::invalid_argument, "heads of a resnet", {.arch = "resnet18", .heads = 3});
    refuses(Code::invalid_argument, "zero init of a vit", {.arch = vit, .has_zero_init_residual = true});
    refuses(Code::invalid_argument, "positions of a resnet", {.arch = "resnet50", .has_trainable_positions = true});
    check.throws(Code::shape, "image", [] {
      graph::Graph graph;
      nn::Scope scope{.graph = graph};
      const auto x = graph.add_source(Role::input, "x", {Shape{2, 3, 224, 224}, DType::f32});
      nn::encoder_features(scope, x, {.arch = "resnet18"});
    });
    check.throws(Code::invalid_argument, "classes", [] { nn::linear_head_parameters("fc", {.in = 4, .classes = 0}); });
    check.throws(Code::invalid_argument, "layers", [] { nn::mlp_parameters("fc", {.layers = 0, .in = 4}); });
  });
  suite.test("one name with two shapes is refused", [](Check& check) {
    graph::Graph graph;
    nn::Scope scope{.graph = graph};
    scope.parameter("w", {3});
    const std::string message = check.throws(Code::shape, "w", [&] { scope.parameter("w", {4}); });
    check.that(message.find("[3] and [4]") != std::string::npos, message);
  });
}

void test_draws(Suite& suite) {
  suite.test("draws equal those of the Python twin to the last bit", [](Check& check) {
    const GoldenFile file("init");
    std::vector<float> values(1 << 16);
    const auto draw = [&](const std::string& name, graph::InitKind kind, float scale) {
      graph::ParameterSpec spec{.name = name + ".weight", .shape = {1 << 16}, .init = kind, .scale = scale};
      nn::initialize(spec, kGoldenSeed, values);
      check.equal(checksum(values), file.metadata(name), name + ": checksum of all draws");
      check_close(check, name, std::vector<double>(values.begin(), values.begin() + 64), file.values(name), 0);
      spec.shape = {4099};  // a count that fills neither a block nor a chunk
      std::vector<float> fewer(4099);
      nn::initialize(spec, kGoldenSeed, fewer);
      check.that(std::ranges::equal(fewer, std::span(values).first(4099)), name,
                 ": fewer draws must be the first ones");
    };
    draw("normal", graph::InitKind::normal, 0.02F);
    draw("uniform", graph::InitKind::uniform, 0.3F);
  });
  suite.test("positions follow their formula, rows before columns", [](Check& check) {
    const GoldenFile file("init");
    const nn::EncoderOptions oblong{.arch = "vit_tiny_patch16_224", .image_height = 48, .image_width = 80};
    check.equal(find(nn::encoder_parameters(oblong), "pos_embed").grid_width, 5, "patches in a row");
    const graph::ParameterSpec small{
        .name = "p", .shape = {1, 16, 16}, .init = graph::InitKind::sin_cos_2d, .grid_width = 5};
    check_close(check, "3 x 5", initial(small, 1), file.values("positions 3x5"), 1e-7);
    const auto specs = nn::encoder_parameters({.arch = "vit_tiny_patch16_224"});
    const std::vector<double> full = initial(find(specs, "pos_embed"), 1);
    std::vector<double> sampled;
    for (std::size_t token = 0; token < 197; token += 13) {
      sampled.insert(sampled.end(), full.begin() + static_cast<std::ptrdiff_t>(token * 192),
                     full.begin() + static_cast<std::ptrdiff_t>(token * 192 + 192));
    }
    check_close(check, "14 x 14", sampled, file.values("positions 14x14"), 1e-7);
    check.throws(Code::shape, "grid", [&] {
      graph::ParameterSpec bad = small;
      bad.grid_width = 4;
      initial(bad, 1);
    });
  });
}

void test_initial_values(Suite& suite) {
  suite.test("every layer starts as its paper says", [](Check& check) {
    const auto deviates = [&check](const graph::ParameterSpecs& specs, const std::string& name, double expected) {
      const std::vector<double> values = initial(find(specs, name), 3);
      // Five standard errors of the estimate, whose relative one is below sqrt(1 / 2n).
      const double allowed = 5 * std::sqrt(0.5 / static_cast<double>(values.size()));
      const double found = root_mean_square(values);
      check.that(std::abs(found / expected - 1) < allowed, name, ": deviation ", found, ", expected ", expected);
    };
    const auto resnet = nn::encoder_parameters({.arch = "resnet50", .has_zero_init_residual = true});
    deviates(resnet, "conv1.weight", std::sqrt(2.0 / (64 * 49)));
    deviates(resnet, "layer2.0.conv2.weight", std::sqrt(2.0 / (128 * 9)));
    check.equal(root_mean_square(initial(find(resnet, "layer2.0.bn3.weight"), 3)), 0.0, "zero-init gamma");
    check.equal(root_mean_square(initial(find(resnet, "layer2.0.bn2.weight"), 3)), 1.0, "gamma");
    check.equal(root_mean_square(initial(find(resnet, "layer2.0.downsample.1.weight"), 3)), 1.0, "gamma of a shortcut");
    check.equal(root_mean_square(initial(find(resnet, "bn1.running_var"), 3)), 1.0, "running variance");
    const auto vit = nn::encoder_parameters({.arch = "vit_small_patch16_224"});
    deviates(vit, "blocks.3.attn.qkv.weight", std::sqrt(6.0 / (384 + 384) / 3));
    deviates(vit, "blocks.3.mlp.fc2.weight", std::sqrt(6.0 / (384 + 1536) / 3));
    deviates(vit, "patch_embed.proj.weight", std::sqrt(6.0 / (3 * 256 + 384) / 3));
    deviates(vit, "cls_token", 1e-6);
    check.equal(root_mean_square(initial(find(vit, "blocks.3.attn.qkv.bias"), 3)), 0.0, "bias");
    check.equal(root_mean_square(initial(find(vit, "norm.weight"), 3)), 1.0, "gamma of a layer norm");
    deviates(nn::encoder_parameters({.arch = "vit_small_patch16_224", .has_trainable_positions = true}), "pos_embed",
             0.02);
    deviates(nn::mlp_parameters("fc", {.layers = 2, .in = 512}), "fc.0.weight", 1 / std::sqrt(3.0 * 512));
    deviates(nn::linear_head_parameters("fc", {.in = 512, .classes = 100}), "fc.weight", 0.01);
  });
}

}  // namespace

void models(Suite& suite) {
  test_structure(suite);
  test_refusals(suite);
  test_draws(suite);
  test_initial_values(suite);
}

}  // namespace gyrus::tests::suites
