#include "runtime/device_mirror.h"

#include <utility>

#include "core/error.h"

namespace gyrus::runtime {

DeviceMirror::DeviceMirror(std::shared_ptr<backend::DeviceQueue> queue, const HostArenas& arenas)
    : queue_(std::move(queue)) {
  try {
    for (std::size_t i = 0; i < arenas.size(); ++i) {
      const std::int64_t bytes = arenas[i]->bytes();
      arenas_[i] = {arenas[i], bytes > 0 ? queue_->allocate(bytes, MemoryKind::device) : nullptr};
    }
  } catch (const Error& error) {
    throw error.with_context("while allocating parameters, gradients and optimizer state");
  }
}

void* DeviceMirror::twin(const void* host) const {
  if (host == nullptr) return nullptr;
  const auto* const place = static_cast<const std::byte*>(host);
  for (const Arena& arena : arenas_) {
    const auto* const start = arena.host->as<const std::byte>();
    if (start == nullptr || place < start || place >= start + arena.host->bytes()) continue;
    return static_cast<std::byte*>(arena.device.get()) + (place - start);
  }
  GYRUS_ASSERT(!"the place is in none of the store's arenas");
  return nullptr;
}

backend::ArenaView DeviceMirror::twin(const backend::ArenaView& host) const {
  backend::ArenaView view = host;
  view.parameters = twin(host.parameters);
  view.gradients = twin(host.gradients);
  view.accumulator = twin(host.accumulator);
  view.slot0 = twin(host.slot0);
  view.slot1 = twin(host.slot1);
  view.ema = twin(host.ema);
  return view;
}

void DeviceMirror::bring_to_device() {
  if (newest_ != Side::host) return;
  for (const Arena& arena : arenas_) {
    if (arena.device) queue_->copy_to_device(arena.device.get(), arena.host->data(), arena.host->bytes());
  }
  queue_->synchronize();  // the host may change its side again
  newest_ = Side::both;
}

void DeviceMirror::bring_to_host() {
  if (newest_ != Side::device) return;
  for (const Arena& arena : arenas_) {
    if (arena.device) queue_->copy_to_host(arena.host->data(), arena.device.get(), arena.host->bytes());
  }
  queue_->synchronize();
  newest_ = Side::both;
}

}  // namespace gyrus::runtime
