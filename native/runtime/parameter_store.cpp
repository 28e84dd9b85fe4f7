#include "runtime/parameter_store.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/error.h"
#include "runtime/device_mirror.h"

namespace gyrus::runtime {
namespace {

// Segments start on cache lines: 16 elements are 64 bytes of f32 (128 of f64).
constexpr std::int64_t kSegmentAlign = 16;

std::int64_t aligned(std::int64_t count) { return (count + kSegmentAlign - 1) / kSegmentAlign * kSegmentAlign; }

// Place in the parameter arena: what the momentum encoder copies, what the optimizer alone updates, what never changes.
int group_of(const graph::ParameterSpec& spec) {
  if (spec.is_buffer) return 3;
  if (!spec.is_trainable) return 2;
  return spec.has_ema ? 0 : 1;
}

}  // namespace

ParameterStore::ParameterStore(graph::ParameterSpecs specs, DType storage) : storage_(storage) {
  GYRUS_ASSERT(storage == DType::f32 || storage == DType::f64);
  std::stable_sort(specs.begin(), specs.end(), [](const auto& a, const auto& b) { return group_of(a) < group_of(b); });
  for (graph::ParameterSpec& spec : specs) {
    const std::int64_t count = spec.shape.elements();
    std::int64_t& arena_count = spec.is_buffer ? buffer_count_ : parameter_count_;
    const Entry entry{std::move(spec), arena_count};
    arena_count += aligned(count);
    const int group = group_of(entry.spec);
    if (group == 0) ema_count_ = arena_count;
    if (group <= 1) {
      trainable_count_ = arena_count;
      segments_.push_back(
          {entry.offset, count, entry.spec.has_weight_decay, entry.spec.has_lars_adaptation(), entry.spec.lr_scale});
    }
    const bool is_new = by_name_.emplace(entry.spec.name, entries_.size()).second;
    GYRUS_CHECK(is_new, Code::name, "two parameters are called '", entry.spec.name, "'");
    entries_.push_back(entry);
  }
  const std::int64_t width = size_of(storage);
  parameters_ = AlignedBuffer::zeros(parameter_count_ * width);
  buffers_ = AlignedBuffer::zeros(buffer_count_ * width);
}

ParameterStore::~ParameterStore() = default;

void ParameterStore::bump_version() {
  ++version_;
  if (mirror_) mirror_->note_host_change();
}

std::array<const AlignedBuffer*, 7> ParameterStore::all_arenas() const {
  return {&parameters_, &buffers_, &gradients_, &accumulator_, &slot0_, &slot1_, &ema_};
}

DeviceMirror& ParameterStore::mirror_on(const std::shared_ptr<backend::DeviceQueue>& queue) {
  if (!mirror_) mirror_ = std::make_unique<DeviceMirror>(queue, all_arenas());
  GYRUS_ASSERT(mirror_->is_on(*queue));
  return *mirror_;
}

const ParameterStore::Entry* ParameterStore::find(std::string_view name) const {
  const auto found = by_name_.find(std::string(name));
  return found == by_name_.end() ? nullptr : &entries_[found->second];
}

const ParameterStore::Entry& ParameterStore::at(std::string_view name) const {
  const Entry* entry = find(name);
  GYRUS_CHECK(entry != nullptr, Code::name, "the model has no parameter or buffer called '", name, "'");
  return *entry;
}

void* ParameterStore::element(const AlignedBuffer& arena, const Entry& entry) const {
  GYRUS_ASSERT(arena.data() != nullptr);
  if (mirror_) mirror_->bring_to_host();
  return arena.as<std::byte>() + entry.offset * size_of(storage_);
}

void* ParameterStore::parameter(std::string_view name) const {
  const Entry& entry = at(name);
  return element(entry.spec.is_buffer ? buffers_ : parameters_, entry);
}

void* ParameterStore::gradient(std::string_view name) const {
  const Entry& entry = at(name);
  GYRUS_ASSERT(group_of(entry.spec) <= 1);
  return element(gradients_, entry);
}

void* ParameterStore::ema(std::string_view name) const {
  const Entry& entry = at(name);
  GYRUS_ASSERT(group_of(entry.spec) == 0);
  return element(ema_, entry);
}

void* ParameterStore::slot(int index, std::string_view name) const {
  const Entry& entry = at(name);
  GYRUS_ASSERT(group_of(entry.spec) <= 1);
  return element(index == 0 ? slot0_ : slot1_, entry);
}

void ParameterStore::allocate_training(int slots, bool has_accumulator) {
  GYRUS_ASSERT(!mirror_);
  const std::int64_t bytes = trainable_count_ * size_of(storage_);
  gradients_ = AlignedBuffer::zeros(bytes);
  if (has_accumulator) accumulator_ = AlignedBuffer::zeros(bytes);
  if (slots > 0) slot0_ = AlignedBuffer::zeros(bytes);
  if (slots > 1) slot1_ = AlignedBuffer::zeros(bytes);
  ema_ = AlignedBuffer(ema_count_ * size_of(storage_));
  copy_parameters_to_ema();
}

void ParameterStore::copy_parameters_to_ema() {
  if (mirror_) mirror_->bring_to_host();
  if (ema_.bytes() > 0) std::memcpy(ema_.data(), parameters_.data(), static_cast<std::size_t>(ema_.bytes()));
  bump_version();
}

backend::ArenaView ParameterStore::arenas() const {
  return {parameters_.data(), gradients_.data(), accumulator_.data(), slot0_.data(), slot1_.data(),
          ema_.data(),        trainable_count_,  ema_count_,          segments_};
}

std::int64_t ParameterStore::bytes() const {
  return parameters_.bytes() + buffers_.bytes() + gradients_.bytes() + accumulator_.bytes() + slot0_.bytes() +
         slot1_.bytes() + ema_.bytes();
}

}  // namespace gyrus::runtime
