// libFuzzer's entry for PyTorch's files. Corpus: fuzz/corpus/torch_file.
#include "fuzz/targets.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  gyrus::fuzz::run_torch_file(std::as_bytes(std::span(data, size)));
  return 0;
}
