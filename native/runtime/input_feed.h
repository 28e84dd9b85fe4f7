// What makes the images of a program on the device itself, in place of copies of what the host brings.
#pragma once

#include <cstddef>

namespace gyrus::runtime {

class InputFeed {
 public:
  static constexpr std::size_t kMostSlots = 2;

  virtual ~InputFeed() = default;
  // Before a run: which of its slots that reads.
  virtual std::size_t take() = 0;
  // Enqueues what makes the program's image input `number` from that slot, in the form that the network reads, at the
  // place that Program::network_input() gives. May be recorded, for runs that read the same slot.
  virtual void write(std::size_t slot, std::size_t number) = 0;
};

}  // namespace gyrus::runtime
