#include "imaging/buffer_pool.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "core/error.h"

namespace gyrus::imaging {
namespace {

constexpr std::int64_t kLeast = std::int64_t{64} << 10;

// Sizes are rounded up by an eighth at most, so that files of about one size serve one another.
std::int64_t rounded(std::int64_t bytes) {
  const auto least = static_cast<std::uint64_t>(std::max(bytes, kLeast));
  const auto shift = static_cast<unsigned>(std::bit_width(least)) - 4;  // of an eighth of its leading bit
  const std::uint64_t below = (std::uint64_t{1} << shift) - 1;
  return static_cast<std::int64_t>((least + below) & ~below);
}

// A buffer serves what would have taken four fifths of it.
bool serves(const AlignedBuffer& buffer, std::int64_t bytes) {
  return buffer.bytes() >= bytes && buffer.bytes() <= std::max(rounded(bytes) / 4 * 5, kLeast);
}

}  // namespace

AlignedBuffer BufferPool::take(std::int64_t bytes) {
  const std::scoped_lock lock(mutex_);
  auto best = idle_.end();
  for (auto buffer = idle_.begin(); buffer != idle_.end(); ++buffer) {
    if (serves(*buffer, bytes) && (best == idle_.end() || buffer->bytes() < best->bytes())) best = buffer;
  }
  if (best != idle_.end()) {
    AlignedBuffer found = std::move(*best);
    idle_.erase(best);
    return found;
  }
  free_idle(limits_.keep - rounded(bytes));
  AlignedBuffer fresh(rounded(bytes));
  held_ += fresh.bytes();
  return fresh;
}

// Until no more than `most` bytes are held; the longest idle go first.
void BufferPool::free_idle(std::int64_t most) {
  while (!idle_.empty() && held_ > most) {
    held_ -= idle_.front().bytes();
    idle_.erase(idle_.begin());
  }
}

void BufferPool::give(AlignedBuffer buffer) {
  if (buffer.bytes() == 0) return;
  const std::scoped_lock lock(mutex_);
  idle_.push_back(std::move(buffer));
  free_idle(limits_.keep);
}

void BufferPool::clear() {
  const std::scoped_lock lock(mutex_);
  free_idle(0);
}

void BufferPool::check(std::int64_t bytes, std::string_view label) const {
  GYRUS_CHECK(bytes <= limits_.most, Code::out_of_memory, label, " needs ", bytes, " bytes of memory, more than the ",
              limits_.most, " that one volume may take; crop it, leave it out, or allow more (maxVolume)");
}

std::span<std::byte> ReusedBuffer::take(std::int64_t bytes) {
  if (!serves(buffer_, bytes)) {
    release();  // first let go: the old and the new need not fit together
    buffer_ = pool_->take(bytes);
  }
  return {buffer_.as<std::byte>(), static_cast<std::size_t>(bytes)};
}

void ReusedBuffer::release() { pool_->give(std::exchange(buffer_, AlignedBuffer())); }

}  // namespace gyrus::imaging
