// A file of test/goldens: tensors that PyTorch computed in f64, and one line of options a case.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/shape.h"
#include "io/safetensors.h"

namespace gyrus::tests {

// "op=conv2d x=2x13x11x3 stride=2"
class GoldenOptions {
 public:
  explicit GoldenOptions(const std::string& line);
  bool has(const std::string& key) const { return values_.contains(key); }
  const std::string& text_of(const std::string& key) const;  // throws Code::name when it is not there
  Shape shape(const std::string& key) const;
  float number(const std::string& key, float missing = 0) const;
  int integer(const std::string& key, int missing = 0) const;

 private:
  std::map<std::string, std::string> values_;
};

class GoldenFile {
 public:
  // `name` without the extension. The folder is $GYRUS_GOLDENS, else what CMake said, else test/goldens from here.
  explicit GoldenFile(const std::string& name);
  bool has(const std::string& tensor) const { return reader_.find(tensor) != nullptr; }
  std::vector<double> values(const std::string& tensor) const;
  const std::string& metadata(const std::string& key) const;
  // Names of the cases that a table of options holds.
  std::vector<std::string> cases() const;

 private:
  io::SafetensorsReader reader_;
};

std::vector<std::string> split_lines(const std::string& lines);

}  // namespace gyrus::tests
