// All parameters, buffers, gradients, optimizer slots and momentum copies of a model: one flat arena a role, and a
// table of names. Programs bind to it by name at compile time; optimizers sweep it as plain arrays.
//
// Where programs run on a device, the arenas are there too (device_mirror.h). Whoever asks for a pointer below gets the
// host's, up to date; whoever writes through one calls bump_version() and asks for it again after the next run.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "backend/backend.h"
#include "core/aligned_buffer.h"
#include "graph/parameter_spec.h"

namespace gyrus::runtime {

class DeviceMirror;

class ParameterStore {
 public:
  // `storage`: f32, or f64 for the reference backend. Order of the arenas: trainable with ema, trainable, frozen.
  // Everything starts at zero. Throws Code::name on a repeated name.
  ParameterStore(graph::ParameterSpecs specs, DType storage);
  ~ParameterStore();
  ParameterStore(const ParameterStore&) = delete;
  ParameterStore& operator=(const ParameterStore&) = delete;

  struct Entry {
    graph::ParameterSpec spec;
    std::int64_t offset = 0;  // in elements, in the arena of its kind
  };
  std::span<const Entry> entries() const { return entries_; }
  const Entry* find(std::string_view name) const;
  DType storage() const { return storage_; }

  // Pointers to one tensor. Throw Code::name when it is not there, Code::internal when that arena was not allocated.
  void* parameter(std::string_view name) const;  // parameters and buffers
  void* gradient(std::string_view name) const;
  void* ema(std::string_view name) const;
  void* slot(int index, std::string_view name) const;

  // Allocates what training needs: gradients, `slots` optimizer arenas (0..2), the momentum copies if any spec has one,
  // and, for steps over micro-batches, a second arena of gradients. Momentum copies start equal to the parameters as
  // they are now.
  void allocate_training(int slots, bool has_accumulator = false);
  void copy_parameters_to_ema();

  // Bumped by whoever changes parameters; Programs over constant parameters re-run their prologue on a change.
  std::uint64_t version() const { return version_; }
  void bump_version();
  // For Programs: the version after an update that they made themselves.
  void note_update() { ++version_; }

  // For Programs: the arenas' twins on a device, made on the first call. The arenas must be allocated by then.
  DeviceMirror& mirror_on(const std::shared_ptr<backend::DeviceQueue>& queue);

  // Of the host.
  backend::ArenaView arenas() const;
  std::int64_t bytes() const;

 private:
  const Entry& at(std::string_view name) const;
  void* element(const AlignedBuffer& arena, const Entry& entry) const;
  std::array<const AlignedBuffer*, 7> all_arenas() const;

  DType storage_;
  std::vector<Entry> entries_;
  std::unordered_map<std::string, std::size_t> by_name_;
  std::vector<backend::Segment> segments_;
  std::int64_t parameter_count_ = 0, trainable_count_ = 0, ema_count_ = 0, buffer_count_ = 0;
  AlignedBuffer parameters_, buffers_, gradients_, accumulator_, slot0_, slot1_, ema_;
  std::uint64_t version_ = 0;
  std::unique_ptr<DeviceMirror> mirror_;  // null unless a program runs on a device
};

}  // namespace gyrus::runtime
