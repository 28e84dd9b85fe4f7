#include "train/micro_advice.h"

#include "core/error.h"

namespace gyrus::train {

std::string advise_micro_batch(const ContrastiveOptions& options,
                               const std::function<void(const ContrastiveOptions&)>& make) {
  ContrastiveOptions smaller = options;
  std::int64_t tried = options.micro_batch > 0 ? options.micro_batch : options.batch_size;
  while (tried > 1) {
    std::int64_t next = tried / 2;
    while (options.batch_size % next != 0) --next;
    tried = smaller.micro_batch = next;
    try {
      make(smaller);
      return text("\nmicroBatch: ", next, " would fit: the same step in ", options.batch_size / next,
                  " parts, with the loss of the whole batch");
    } catch (const Error& error) {
      if (error.code() != Code::out_of_memory) break;  // batch norms want more than one value a channel, for example
    }
  }
  return "\nno smaller micro-batch fits either";
}

}  // namespace gyrus::train
