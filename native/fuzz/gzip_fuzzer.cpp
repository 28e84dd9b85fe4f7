// libFuzzer's entry for gzip streams. Corpus: fuzz/corpus/gzip.
#include "fuzz/volume_targets.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  gyrus::fuzz::run_gzip(std::as_bytes(std::span(data, size)));
  return 0;
}
