// Features from a backbone. Images go through in chunks of powers of two, so that any count needs at most six programs.
#include <array>
#include <bit>
#include <cstring>

#include "graph/ops.h"
#include "train/compile.h"
#include "train/encoder_export.h"
#include "train/sessions.h"
#include "train/weights.h"

namespace gyrus::train {
namespace {

constexpr std::int64_t kLargestChunk = 32;

class CpuEncoderSession final : public EncoderSession {
 public:
  CpuEncoderSession(const nn::EncoderOptions& encoder, const DeviceOptions& device, const std::string& weights,
                    std::uint64_t seed)
      : options_(encoder), device_(open_device(device)), store_(nn::encoder_parameters(encoder), DType::f32) {
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
    for (const auto& program : programs_) info.arena_bytes += program ? program->arena_bytes() : 0;
    return info;
  }

  void save(const std::string& path, ExportForm form) override { export_encoder(store_, options_, path, form); }

  void embed(const float* x, std::int64_t count, float* out, const Stop& stop) override {
    GYRUS_CHECK(count >= 0, Code::invalid_argument, "the number of images cannot be negative: ", count);
    const std::int64_t image = options_.channels * options_.image_height * options_.image_width;
    const std::int64_t width = nn::feature_dim(options_);
    while (count > 0) {
      const std::int64_t chunk =
          std::min(kLargestChunk, static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(count))));
      runtime::Program& program = program_for(chunk);
      const std::array<const void*, 1> inputs{x};
      if (program.run(inputs, {}, &stop) != runtime::RunEnd::done)
        throw Error(Code::aborted, "embedding was aborted before it was done");
      std::memcpy(out, program.output("features"), static_cast<std::size_t>(chunk * width) * sizeof(float));
      x += chunk * image;
      out += chunk * width;
      count -= chunk;
    }
  }

 private:
  runtime::Program& program_for(std::int64_t chunk) {
    auto& program = programs_[static_cast<std::size_t>(std::countr_zero(static_cast<std::uint64_t>(chunk)))];
    if (!program) {
      graph::Graph graph;
      const graph::ValueId x =
          graph.add_source(graph::Role::input, "x",
                           {Shape{chunk, options_.channels, options_.image_height, options_.image_width}, DType::f32});
      nn::Scope scope{graph, "", "", graph::Role::parameter, "", nn::Mode::inference};
      const graph::ValueId image = graph::to_channels_last(graph, x, DType::f32, "input");
      const graph::ValueId features = nn::encoder_features(scope, image, options_);
      graph.mark_output(graph::cast(graph, features, DType::f32, "features"), "features");
      program = compile_inference(graph, device_, store_);
    }
    return *program;
  }

  nn::EncoderOptions options_;
  Device device_;
  runtime::ParameterStore store_;
  LoadReport report_;
  std::array<std::unique_ptr<runtime::Program>, 6> programs_;  // by the logarithm of the chunk
};

}  // namespace

std::unique_ptr<EncoderSession> EncoderSession::create(const nn::EncoderOptions& encoder, const DeviceOptions& device,
                                                       const std::string& weights, std::uint64_t seed) {
  return std::make_unique<CpuEncoderSession>(encoder, device, weights, seed);
}

}  // namespace gyrus::train
