// What writes inputs of a program on the device itself, in place of copies of what the host brings.
#pragma once

namespace gyrus::runtime {

class InputFeed {
 public:
  virtual ~InputFeed() = default;
  // Before every run; enqueues, and is no part of the recording.
  virtual void take() = 0;
  // The beginning of the run, recorded with it: writes the inputs for which the caller brought nullptr.
  virtual void write() = 0;
};

}  // namespace gyrus::runtime
