// libFuzzer's entry for deflate streams, two at once. Corpus: fuzz/corpus/inflate.
#include "fuzz/inflate_target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  gyrus::fuzz::run_inflate(std::as_bytes(std::span(data, size)));
  return 0;
}
