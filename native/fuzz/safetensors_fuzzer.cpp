// libFuzzer's entry for the safetensors parser. Corpus: fuzz/corpus/safetensors.
#include "fuzz/targets.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  gyrus::fuzz::run_safetensors(std::as_bytes(std::span(data, size)));
  return 0;
}
