// libFuzzer's entry for the npy parser. Corpus: fuzz/corpus/npy.
#include "fuzz/targets.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  gyrus::fuzz::run_npy(std::as_bytes(std::span(data, size)));
  return 0;
}
