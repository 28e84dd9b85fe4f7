#include "tests/harness/case_program.h"

#include <cstring>

#include "core/error.h"

namespace gyrus::tests {
namespace {

using graph::Role;

template <class T>
void store_as(std::span<const double> values, std::byte* out) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const T value = static_cast<T>(values[i]);
    std::memcpy(out + i * sizeof(T), &value, sizeof(T));
  }
}

void write_values(std::span<const double> values, DType dtype, void* out) {
  auto* const bytes = static_cast<std::byte*>(out);
  if (dtype == DType::f64) return store_as<double>(values, bytes);
  if (dtype == DType::f32) return store_as<float>(values, bytes);
  if (dtype == DType::i32) return store_as<std::int32_t>(values, bytes);
  throw Error(Code::internal, text("tests cannot give an input of dtype ", name_of(dtype)));
}

}  // namespace

CaseProgram::CaseProgram(const CaseGraph& source, const graph::Graph& lowered, const backend::Backend& backend,
                         int slots)
    : storage_(backend.describe().storage), store_(source.specs(), storage_) {
  for (const auto& entry : source.sources()) {
    if (entry.role == Role::ema) continue;  // copied from its parameter below
    const auto values = source.initial_values(entry);
    if (entry.role != Role::input) {
      set_parameter(entry.name, values);
      continue;
    }
    const DType dtype = entry.type.dtype == DType::i32 ? DType::i32 : storage_;
    input_names_.push_back(entry.name);
    input_dtypes_.push_back(dtype);
    inputs_.emplace_back(values.size() * static_cast<std::size_t>(size_of(dtype)));
    set_input(entry.name, values);
  }
  store_.allocate_training(slots);
  program_ = runtime::Program::compile(lowered, backend, store_, {.is_poisoned = true});
}

void CaseProgram::run(const backend::Hyper& hyper) {
  std::vector<const void*> pointers;
  for (const auto& input : inputs_) pointers.push_back(input.data());
  program_->run(pointers, hyper);
}

std::vector<double> CaseProgram::read(const void* data, std::int64_t count) const {
  std::vector<double> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = storage_ == DType::f64 ? static_cast<const double*>(data)[i] : static_cast<const float*>(data)[i];
  }
  return values;
}

std::int64_t CaseProgram::count_of(const std::string& name) const {
  const auto* entry = store_.find(name);
  GYRUS_CHECK(entry != nullptr, Code::name, "the case has no parameter '", name, "'");
  return entry->spec.shape.elements();
}

std::vector<double> CaseProgram::output(const std::string& name) const {
  return read(program_->output(name), program_->output_shape(name).elements());
}
std::vector<double> CaseProgram::parameter(const std::string& name) const {
  return read(store_.parameter(name), count_of(name));
}
std::vector<double> CaseProgram::gradient(const std::string& name) const {
  return read(store_.gradient(name), count_of(name));
}
std::vector<double> CaseProgram::ema(const std::string& name) const { return read(store_.ema(name), count_of(name)); }

void CaseProgram::set_parameter(const std::string& name, std::span<const double> values) {
  GYRUS_ASSERT(static_cast<std::int64_t>(values.size()) == count_of(name));
  write_values(values, storage_, store_.parameter(name));
  store_.bump_version();
}

void CaseProgram::set_input(const std::string& name, std::span<const double> values) {
  for (std::size_t i = 0; i < input_names_.size(); ++i) {
    if (input_names_[i] != name) continue;
    GYRUS_ASSERT(values.size() * static_cast<std::size_t>(size_of(input_dtypes_[i])) == inputs_[i].size());
    return write_values(values, input_dtypes_[i], inputs_[i].data());
  }
  throw Error(Code::name, text("the case has no input '", name, "'"));
}

std::map<std::string, std::vector<double>> run_once(const CaseGraph& source, const graph::Graph& lowered,
                                                    const backend::Backend& backend) {
  CaseProgram program(source, lowered, backend);
  program.run();
  std::map<std::string, std::vector<double>> left;
  bool has_target = false;
  for (const auto& result : source.results()) {
    left[result.name] = program.output(result.name);
    has_target = has_target || result.is_target;
  }
  for (const auto& entry : source.sources()) {
    if (entry.role == Role::buffer) left[text("buffer ", entry.name)] = program.parameter(entry.name);
    if (entry.role == Role::parameter && has_target)
      left[text("gradient of ", entry.name)] = program.gradient(entry.name);
  }
  return left;
}

}  // namespace gyrus::tests
