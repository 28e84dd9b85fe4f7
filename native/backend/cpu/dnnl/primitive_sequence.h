// A kernel made of oneDNN primitives that run one after the other: which memory each argument is, is written down once
// when lowering; bind() turns it into pointers.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "backend/backend.h"
#include "backend/cpu/dnnl/dnnl_engine.h"

namespace gyrus::backend::cpu {

// Where an argument lives: an input or output of the kernel, or a block of its scratch memory.
struct Place {
  enum class Kind : std::uint8_t { in, out, scratch };
  Kind kind = Kind::in;
  std::size_t index = 0;    // of in / out
  std::int64_t offset = 0;  // bytes from the start of that memory
};
inline Place input(std::size_t index, std::int64_t offset = 0) { return {Place::Kind::in, index, offset}; }
inline Place output(std::size_t index, std::int64_t offset = 0) { return {Place::Kind::out, index, offset}; }

void* resolve(const Place& place, const KernelArgs& args);

struct Argument {
  int id = 0;  // DNNL_ARG_*
  ::dnnl::memory::desc desc;
  Place place;
};

class PrimitiveSequence final : public Kernel {
 public:
  // `name` is for errors: "conv2d layer1.0.conv1".
  PrimitiveSequence(std::shared_ptr<const DnnlEngine> engine, std::string name)
      : engine_(std::move(engine)), name_(std::move(name)) {}

  // A block of scratch memory that no other argument overlaps.
  Place add_scratch(std::size_t bytes);
  void add(const ::dnnl::primitive& primitive, std::vector<Argument> arguments, const ::dnnl::memory::desc& scratchpad);

  std::int64_t scratch_bytes() const override { return blocks_bytes_ + scratchpad_bytes_; }
  void bind(const KernelArgs& args) override;
  void run() override;

 private:
  struct Step {
    ::dnnl::primitive primitive;
    std::vector<Argument> arguments;
    ::dnnl::memory::desc scratchpad;
    std::unordered_map<int, ::dnnl::memory> bound;
  };
  std::shared_ptr<const DnnlEngine> engine_;
  std::string name_;
  std::vector<Step> steps_;
  std::int64_t blocks_bytes_ = 0;      // of add_scratch
  std::int64_t scratchpad_bytes_ = 0;  // the largest scratchpad: the primitives take turns in it
};

}  // namespace gyrus::backend::cpu
