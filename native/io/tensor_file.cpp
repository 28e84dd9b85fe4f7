#include "io/tensor_file.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "core/aligned_buffer.h"
#include "io/finite.h"
#include "io/safetensors.h"
#include "io/torch_reader.h"
#include "io/utf8.h"

namespace gyrus::io {
namespace {

// Copies the tensor's elements out of the bytes from its first element on, in row-major order.
void gather(const StoredTensor& tensor, std::span<const std::byte> from, std::span<std::byte> to) {
  const auto size = static_cast<std::size_t>(size_of(tensor.type));
  const std::span<const std::int64_t> extents = tensor.shape.extents();
  std::array<std::int64_t, Shape::kMaxRank> at{};
  std::int64_t element = 0;
  for (std::size_t done = 0; done < to.size(); done += size) {
    std::memcpy(&to[done], &from[static_cast<std::size_t>(element) * size], size);
    for (std::size_t axis = extents.size(); axis-- > 0;) {
      element += tensor.strides[axis];
      if (++at[axis] < extents[axis]) break;
      element -= at[axis] * tensor.strides[axis];
      at[axis] = 0;
    }
  }
}

// Reads everything between the first and the last element, which the file holds, and picks.
void read_strided(const InputFile& file, const StoredTensor& tensor, std::span<float> out) {
  if (out.empty()) return;
  std::int64_t reach = 1;  // elements; the parser has checked that this does not overflow
  for (std::size_t axis = 0; axis < tensor.strides.size(); ++axis) {
    reach += (tensor.shape.extents()[axis] - 1) * tensor.strides[axis];
  }
  const AlignedBuffer from(reach * size_of(tensor.type)), to(tensor.bytes);
  const std::span<std::byte> stored(from.as<std::byte>(), static_cast<std::size_t>(reach * size_of(tensor.type)));
  const std::span<std::byte> picked(to.as<std::byte>(), static_cast<std::size_t>(tensor.bytes));
  file.read_at(tensor.offset, stored);
  gather(tensor, stored, picked);
  convert_to_f32(tensor.type, picked, out);
}

}  // namespace

void TensorFile::set_tensors(std::vector<StoredTensor> tensors) {
  tensors_ = std::move(tensors);
  by_name_.reserve(tensors_.size());
  for (const StoredTensor& tensor : tensors_) by_name_.push_back(&tensor);
  std::sort(by_name_.begin(), by_name_.end(), [](const auto* a, const auto* b) { return a->name < b->name; });
}

const StoredTensor* TensorFile::find(std::string_view name) const {
  const auto at =
      std::lower_bound(by_name_.begin(), by_name_.end(), name,
                       [](const StoredTensor* tensor, std::string_view wanted) { return tensor->name < wanted; });
  return at != by_name_.end() && (*at)->name == name ? *at : nullptr;
}

void TensorFile::read_f32(const StoredTensor& tensor, std::span<float> out) const {
  GYRUS_CHECK(static_cast<std::int64_t>(out.size()) == tensor.shape.elements(), Code::shape, file(), ": tensor ",
              quoted(tensor.name), " ", tensor.shape, " has ", tensor.shape.elements(),
              " elements, the destination has ", out.size(), "; give one of the same size");
  if (tensor.strides.empty()) {
    read_as_f32(input_, tensor.type, tensor.offset, out);
  } else {
    read_strided(input_, tensor, out);
  }
}

void TensorFile::read_finite_f32(const StoredTensor& tensor, std::span<float> out) const {
  read_f32(tensor, out);
  check_finite(out, tensor.shape, file(), tensor.name);
}

std::unique_ptr<TensorFile> open_tensor_file(const std::string& path) {
  InputFile file(path);
  if (is_torch_file(file)) return std::make_unique<TorchReader>(std::move(file));
  return std::make_unique<SafetensorsReader>(std::move(file));
}

}  // namespace gyrus::io
