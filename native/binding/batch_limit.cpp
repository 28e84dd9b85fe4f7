#include "binding/batch_limit.h"

#include <unistd.h>

namespace gyrus::binding {

std::int64_t checked_batch_elements(const Shape& batch) {
  const std::int64_t elements = batch.elements(), bytes_each = sizeof(float);
  const std::int64_t machine_bytes = std::int64_t{sysconf(_SC_PHYS_PAGES)} * std::int64_t{sysconf(_SC_PAGESIZE)};
  GYRUS_CHECK(elements <= machine_bytes / bytes_each, Code::out_of_memory, "one batch of images ", batch, " has ",
              elements, " numbers of 4 bytes, and this machine has ", machine_bytes,
              " bytes of memory in all; use a smaller batchSize or imageSize");
  return elements;
}

}  // namespace gyrus::binding
