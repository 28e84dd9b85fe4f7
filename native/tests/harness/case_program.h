// A case's graph compiled for one backend, with a parameter store and input arrays of its own. All numbers go in and
// come out as double, whatever the backend stores.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "runtime/parameter_store.h"
#include "runtime/program.h"
#include "tests/harness/case.h"

namespace gyrus::tests {

class CaseProgram {
 public:
  // Compiles with guards and poison, and fills every source with its initial values. `lowered` comes from the case.
  CaseProgram(const CaseGraph& source, const graph::Graph& lowered, const backend::Backend& backend, int slots = 0);

  void run(const backend::Hyper& hyper = {});

  std::vector<double> output(const std::string& name) const;
  std::vector<double> parameter(const std::string& name) const;  // parameters and buffers
  std::vector<double> gradient(const std::string& name) const;
  std::vector<double> ema(const std::string& name) const;
  void set_parameter(const std::string& name, std::span<const double> values);
  void set_input(const std::string& name, std::span<const double> values);

  runtime::ParameterStore& store() { return store_; }

 private:
  std::vector<double> read(const void* data, std::int64_t count) const;
  std::int64_t count_of(const std::string& name) const;

  DType storage_;
  runtime::ParameterStore store_;
  std::vector<std::string> input_names_;  // in the order of the graph's sources
  std::vector<DType> input_dtypes_;       // of the caller's arrays
  std::vector<std::vector<std::byte>> inputs_;
  std::unique_ptr<runtime::Program> program_;
};

// Everything that one run leaves: results, "gradient of x" for every parameter, "buffer x" for every buffer.
std::map<std::string, std::vector<double>> run_once(const CaseGraph& source, const graph::Graph& lowered,
                                                    const backend::Backend& backend);

}  // namespace gyrus::tests
