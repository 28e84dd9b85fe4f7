// A module of a golden (an encoder or a head) compiled as a trainer compiles it, filled by name, and run once.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "graph/graph.h"
#include "graph/parameter_spec.h"
#include "nn/scope.h"
#include "runtime/parameter_store.h"
#include "runtime/program.h"

namespace gyrus::tests {

struct GoldenModel {
  // Writes the forward pass; marks its outputs, f32 each. The first one is what is differentiated.
  std::function<void(nn::Scope& scope)> build;
  graph::ParameterSpecs specs;
  // Under which name a parameter is filled; missing: its own.
  std::function<std::string(const std::string& parameter)> fill_name;
  std::string last_norm;     // see golden_parameter()
  std::string target, seed;  // marked output, and the input that holds its gradient ("" for a loss)
};

// A compiled model with a store of its own.
class GoldenRun {
 public:
  GoldenRun(const GoldenModel& model, nn::Mode mode, const backend::Backend& backend, DType compute);

  // `inputs`: by name; f32, or i32 for names that begin with "labels".
  using Inputs = std::map<std::string, std::vector<float>>;
  void run(const Inputs& inputs);

  std::vector<double> output(const std::string& name) const;
  std::vector<double> gradient(const std::string& name) const { return read(store_.gradient(name), name); }
  std::vector<double> buffer(const std::string& name) const { return read(store_.parameter(name), name); }

 private:
  std::vector<double> read(const void* data, const std::string& name) const;
  std::vector<double> read(const void* data, std::int64_t count) const;

  DType storage_;
  runtime::ParameterStore store_;
  std::vector<std::string> input_names_;
  std::unique_ptr<runtime::Program> program_;
};

}  // namespace gyrus::tests
