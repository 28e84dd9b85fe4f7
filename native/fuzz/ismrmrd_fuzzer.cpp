// libFuzzer's entry for the ISMRMRD header parser. Corpus: fuzz/corpus/ismrmrd.
#include "fuzz/scan_targets.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  gyrus::fuzz::run_ismrmrd(std::as_bytes(std::span(data, size)));
  return 0;
}
