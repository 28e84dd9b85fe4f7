// libFuzzer's entry for NIfTI, packed or not, and for what is asked of a volume. Corpus: fuzz/corpus/nifti.
#include "fuzz/volume_targets.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  gyrus::fuzz::run_nifti(std::as_bytes(std::span(data, size)));
  return 0;
}
