#include "data/shard_set.h"

#include <algorithm>

#include "core/error.h"

namespace gyrus::data {

ShardSet::ShardSet(const std::vector<std::string>& paths) {
  std::size_t rows = 0;
  for (const std::string& path : paths) {
    auto shard = std::make_unique<io::NpyReader>(path);
    const Shape& shape = shard->shape();
    GYRUS_CHECK(shard->dtype() == "<u2", Code::dtype, path, ": has the element type ", shard->dtype(),
                ", shards hold <u2: make them with `gyrus curate`");
    GYRUS_CHECK(shape.rank() == 3 && shape[1] == shape[2] && shape[1] > 0, Code::shape, path, ": has the shape ", shape,
                ", shards are [slices, size, size]: make them with `gyrus curate`");
    const auto size = static_cast<std::size_t>(shape[1]);
    GYRUS_CHECK(size_ == 0 || size == size_, Code::shape, path, ": has slices of ", size, " pixels, those before have ",
                size_, ": take the shards of one curated folder");
    size_ = size;
    rows += static_cast<std::size_t>(shape[0]);
    shards_.push_back(std::move(shard));
    ends_.push_back(rows);
  }
  GYRUS_CHECK(rows > 0, Code::invalid_argument, "the ", paths.size(),
              " shards hold no slices: take those of a curated folder");
}

void ShardSet::read(std::size_t row, std::span<std::uint16_t> out) const {
  GYRUS_ASSERT(row < rows() && out.size() == size_ * size_);
  const auto shard = static_cast<std::size_t>(std::upper_bound(ends_.begin(), ends_.end(), row) - ends_.begin());
  const std::size_t first = shard == 0 ? 0 : ends_[shard - 1];
  shards_[shard]->read_u16(static_cast<std::int64_t>((row - first) * out.size()), out);
}

}  // namespace gyrus::data
