// concat_rows and its gradient: every byte is read and written once, by the C library's copies, which are as fast as
// the memory. They are embeddings of a batch, a few megabytes at most: one thread does.
#include "backend/cpu/simd/concat_rows.h"

#include <cstddef>
#include <cstring>

namespace gyrus::backend::cpu {
namespace {

std::size_t bytes_of(const graph::ValueType& type) {
  return static_cast<std::size_t>(type.shape.elements() * size_of(type.dtype));
}

class ConcatRows final : public Kernel {
 public:
  explicit ConcatRows(const NodeContext& node)
      : first_(bytes_of(node.in_type(0))), second_(bytes_of(node.in_type(1))) {}

  void bind(const KernelArgs& args) override {
    a_ = args.in[0];
    b_ = args.in[1];
    y_ = static_cast<std::byte*>(args.out[0]);
  }

  void run() override {
    std::memcpy(y_, a_, first_);
    std::memcpy(y_ + first_, b_, second_);
  }

 private:
  std::size_t first_, second_;
  const void *a_ = nullptr, *b_ = nullptr;  // [N, D], [M, D] A
  std::byte* y_ = nullptr;                  // [N + M, D] A
};

class ConcatRowsGrad final : public Kernel {
 public:
  explicit ConcatRowsGrad(const NodeContext& node)
      : first_(bytes_of(node.out_type(0))), second_(bytes_of(node.out_type(1))) {}

  void bind(const KernelArgs& args) override {
    dy_ = static_cast<const std::byte*>(args.in[0]);
    da_ = args.out[0];
    db_ = args.out[1];
  }

  // A part that nobody reads has no memory.
  void run() override {
    if (da_ != nullptr) std::memcpy(da_, dy_, first_);
    if (db_ != nullptr) std::memcpy(db_, dy_ + first_, second_);
  }

 private:
  std::size_t first_, second_;
  const std::byte* dy_ = nullptr;       // [N + M, D] A
  void *da_ = nullptr, *db_ = nullptr;  // [N, D], [M, D] A
};

}  // namespace

std::unique_ptr<Kernel> make_concat_rows(const NodeContext& node) { return std::make_unique<ConcatRows>(node); }
std::unique_ptr<Kernel> make_concat_rows_grad(const NodeContext& node) {
  return std::make_unique<ConcatRowsGrad>(node);
}

}  // namespace gyrus::backend::cpu
