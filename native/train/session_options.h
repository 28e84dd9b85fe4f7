// Options of the engine's sessions, as complete plain structs: the binding fills them from validated JS objects.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "nn/encoder.h"

namespace gyrus::backend {
class Backend;
}

namespace gyrus::train {

enum class Precision : std::uint8_t { automatic, f32, bf16 };  // automatic: bf16 where the CPU computes it, else f32

struct DeviceOptions {
  std::string device = "auto";  // "auto" | "cpu" | "cuda"; "cuda" without one: Code::cuda_unavailable
  Precision precision = Precision::automatic;
  int threads = 0;  // 0: all that this process may use
  // For tests: makes the device, in place of the one that is named.
  std::unique_ptr<backend::Backend> (*make)() = nullptr;
};

struct OptimizerOptions {
  std::string name = "adamw";  // "adamw" | "lars" | "lars_solo" | "sgd"
  float weight_decay = 0.1F;
  float beta1 = 0.9F, beta2 = 0.999F, eps = 1e-8F;  // adamw
  float momentum = 0.9F;                            // lars, sgd
  float trust = 0.001F;                             // lars
  bool nesterov = false;                            // sgd
  bool decays_vectors = true;                       // false: biases, norms and a ViT's tokens do not decay
};

struct ContrastiveOptions {
  std::string method = "mocov3";  // "mocov3" | "simclr"
  nn::EncoderOptions encoder;
  DeviceOptions device;
  OptimizerOptions optimizer;
  std::int64_t batch_size = 256;
  // Images whose activations are alive at once; divides batch_size. 0: all, a step in one piece.
  std::int64_t micro_batch = 0;
  float temperature = 0.2F;
  std::int64_t projector_hidden = 4096, projector_out = 256;
  nn::MlpNorm projector_norm = nn::MlpNorm::batch_norm;
  std::uint64_t seed = 0;
};

struct SupervisedOptions {
  nn::EncoderOptions encoder;
  DeviceOptions device;
  OptimizerOptions optimizer;
  std::int64_t batch_size = 32;
  std::int64_t classes = 2;
  float label_smoothing = 0;
  std::vector<float> class_weights{};  // one a class; empty: all alike
  bool has_mixup = false;              // steps may ask for mixtures of two images
  float drop_path = 0;                 // ViT: chance that the last block's branches are left out; earlier ones' is less
  float layer_decay = 1;               // of the learning rate, from each layer to the one before it
  bool has_head_batch_norm = false;
  bool is_backbone_frozen = false;  // linear probe
  std::uint64_t seed = 0;
};

// Whose names a file of weights is to have; onnx: the network itself.
enum class ExportForm : std::uint8_t { torchvision, timm, mocov3, onnx };

struct StepHyper {
  float lr = 0;
  float momentum = 0.99F;  // of the momentum encoder; ignored by supervised training
  float mix = 1;           // supervised, with mixup: an image's own share; the rest is that of the batch read backwards
};

struct StepResult {
  float loss = 0;
  float hits = 0;      // share of rows whose largest logit is the right one
  double seconds = 0;  // of the engine's own work
};

}  // namespace gyrus::train
