#include "train/micro_advice.h"

#include "core/error.h"

namespace gyrus::train {

std::string advise_micro_batch(const ContrastiveOptions& options,
                               const std::function<void(const ContrastiveOptions&)>& make) {
  ContrastiveOptions smaller = options;
  std::int64_t& micro = smaller.micro_batch;
  if (micro == 0) micro = options.batch_size;
  while (micro > 1) {
    micro /= 2;
    while (options.batch_size % micro != 0) --micro;
    try {
      make(smaller);
      return text("\nmicroBatch: ", micro, " would fit: the same step in ", options.batch_size / micro,
                  " parts, with the loss of the whole batch");
    } catch (const Error& error) {
      if (error.code() != Code::out_of_memory) break;  // batch norms want more than one value a channel, for example
    }
  }
  return "\nno smaller micro-batch fits either";
}

}  // namespace gyrus::train
