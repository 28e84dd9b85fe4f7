#include "tests/goldens/golden_file.h"

#include <cstdlib>
#include <sstream>

#include "core/error.h"

namespace gyrus::tests {
namespace {

std::string golden_path(const std::string& name) {
  const char* const asked = std::getenv("GYRUS_GOLDENS");
#ifdef GYRUS_GOLDENS_DIR
  const std::string folder = asked != nullptr ? asked : GYRUS_GOLDENS_DIR;
#else
  const std::string folder = asked != nullptr ? asked : "test/goldens";
#endif
  return folder + "/" + name + ".safetensors";
}

}  // namespace

GoldenOptions::GoldenOptions(const std::string& line) {
  std::istringstream words(line);
  for (std::string word; words >> word;) {
    const std::size_t at = word.find('=');
    GYRUS_CHECK(at != std::string::npos, Code::file_format, "a golden's option '", word, "' has no '='");
    values_[word.substr(0, at)] = word.substr(at + 1);
  }
}

const std::string& GoldenOptions::text_of(const std::string& key) const {
  const auto found = values_.find(key);
  GYRUS_CHECK(found != values_.end(), Code::name, "the golden's case has no option '", key, "'");
  return found->second;
}

Shape GoldenOptions::shape(const std::string& key) const {
  std::vector<std::int64_t> extents;
  std::istringstream parts(text_of(key));
  for (std::string part; std::getline(parts, part, 'x');) extents.push_back(std::stoll(part));
  return Shape(extents);
}

float GoldenOptions::number(const std::string& key, float missing) const {
  return has(key) ? std::stof(text_of(key)) : missing;
}

int GoldenOptions::integer(const std::string& key, int missing) const {
  return has(key) ? std::stoi(text_of(key)) : missing;
}

GoldenFile::GoldenFile(const std::string& name) : reader_(golden_path(name)) {}

std::vector<double> GoldenFile::values(const std::string& tensor) const {
  const io::StoredTensor* const stored = reader_.find(tensor);
  GYRUS_CHECK(stored != nullptr, Code::name, "the golden has no tensor '", tensor, "'");
  std::vector<float> values(static_cast<std::size_t>(stored->shape.elements()));
  reader_.read_f32(*stored, values);
  return {values.begin(), values.end()};
}

const std::string& GoldenFile::metadata(const std::string& key) const {
  const auto found = reader_.metadata().find(key);
  GYRUS_CHECK(found != reader_.metadata().end(), Code::name, "the golden has no metadata called '", key, "'");
  return found->second;
}

std::vector<std::string> GoldenFile::cases() const {
  std::vector<std::string> names;
  for (const auto& [name, options] : reader_.metadata()) {
    if (options.find('=') != std::string::npos) names.push_back(name);
  }
  return names;
}

std::vector<std::string> split_lines(const std::string& lines) {
  std::vector<std::string> result;
  std::istringstream in(lines);
  for (std::string line; std::getline(in, line);) result.push_back(line);
  return result;
}

}  // namespace gyrus::tests
