// Features from a backbone.
#include "graph/ops.h"
#include "train/chunked_inference.h"
#include "train/encoder_export.h"
#include "train/memory_remedy.h"
#include "train/sessions.h"
#include "train/weights.h"

namespace gyrus::train {
namespace {

graph::Graph feature_graph(const nn::EncoderOptions& options, std::int64_t chunk) {
  graph::Graph graph;
  const graph::ValueId image = add_images(graph, options, chunk);
  nn::Scope scope{graph, "", "", graph::Role::parameter, "", nn::Mode::inference};
  const graph::ValueId features = nn::encoder_features(scope, image, options);
  graph.mark_output(graph::cast(graph, features, DType::f32, "features"), "features");
  return graph;
}

graph::ParameterSpecs checked_parameters(const nn::EncoderOptions& options) {
  graph::ParameterSpecs specs = nn::encoder_parameters(options);
  check_room(specs, options);
  return specs;
}

class EngineEncoderSession final : public EncoderSession {
 public:
  EngineEncoderSession(const nn::EncoderOptions& encoder, const DeviceOptions& device, const std::string& weights,
                       std::uint64_t seed)
      : options_(encoder),
        device_(open_device(device)),
        store_(checked_parameters(encoder), DType::f32),
        inference_({[encoder](std::int64_t chunk) { return feature_graph(encoder, chunk); }, "features",
                    encoder.channels * encoder.image_height * encoder.image_width, nn::feature_dim(encoder)},
                   device_, store_) {
    const std::vector<NamedTensor> tensors = tensors_of(store_, "", "");
    if (weights.empty()) {
      initialize_store(store_, seed);
    } else {
      const std::vector<std::string> heads{"fc.", "head."};
      report_ = load_tensors(weights, tensors, heads, &encoder);
    }
    store_.bump_version();
  }

  const LoadReport& load_report() const override { return report_; }

  SessionInfo info() const override {
    SessionInfo info = describe_session(device_, store_);
    info.feature_dim = nn::feature_dim(options_);
    info.arena_bytes = inference_.arena_bytes();
    return info;
  }

  void save(const std::string& path, ExportForm form, std::int64_t channels, const Metadata& more) override {
    export_network(store_, options_, path, {form, channels, 0}, more);
  }

  void embed(const float* x, std::int64_t count, float* out, const Stop& stop) override {
    inference_.run(x, count, out, stop);
  }

 private:
  nn::EncoderOptions options_;
  Device device_;
  runtime::ParameterStore store_;
  LoadReport report_;
  ChunkedInference inference_;
};

}  // namespace

std::unique_ptr<EncoderSession> EncoderSession::create(const nn::EncoderOptions& encoder, const DeviceOptions& device,
                                                       const std::string& weights, std::uint64_t seed) {
  return std::make_unique<EngineEncoderSession>(encoder, device, weights, seed);
}

}  // namespace gyrus::train
