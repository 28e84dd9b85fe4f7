#include "train/memory_remedy.h"

#include <algorithm>

namespace gyrus::train {
namespace {

constexpr const char* kOverride = "; GYRUS_MEMORY_LIMIT=none lets it be tried all the same";

std::int64_t images_at_once(const ContrastiveOptions& options) {
  return options.micro_batch > 0 ? options.micro_batch : options.batch_size;
}

// Embeddings of the whole batch, their gradients, and logits both ways with theirs.
double contrast_bytes(const ContrastiveOptions& options) {
  const double rows = static_cast<double>(options.batch_size) * (options.method == "simclr" ? 2 : 1);
  return 4 * (12 * rows * static_cast<double>(options.projector_out) + 6 * rows * rows);
}

}  // namespace

std::int64_t fitting_micro_batch(const MemoryShortage& shortage, const ContrastiveOptions& options,
                                 std::int64_t parameter_bytes) {
  // Activations grow with the images, packed weights do not; two programs more (the rehearsal, which keeps no
  // activations, and the contrast) and a second arena of gradients come with micro-batches.
  constexpr double kRehearsal = 1.4;
  const auto parameters = static_cast<double>(parameter_bytes);
  const double one = static_cast<double>(shortage.needed()) / static_cast<double>(images_at_once(options));
  const double fixed = parameters + contrast_bytes(options);
  const auto fits = [&](std::int64_t images) {
    return fixed + kRehearsal * one * static_cast<double>(images) <= static_cast<double>(shortage.available());
  };
  for (std::int64_t images = images_at_once(options) / 2; images >= 1; --images) {
    const bool has_statistics = images > 1 || options.projector_norm != nn::MlpNorm::batch_norm;
    if (options.batch_size % images == 0 && has_statistics && fits(images)) return images;
  }
  return 0;
}

Error with_remedy(const MemoryShortage& shortage, const ContrastiveOptions& options, std::int64_t parameter_bytes) {
  const std::int64_t images = fitting_micro_batch(shortage, options, parameter_bytes);
  const std::string remedy =
      images > 0 ? text("take microBatch ", images, ", with which the loss is still that of all ", options.batch_size)
                 : std::string("take a smaller batch, smaller images, or a smaller architecture");
  return {Code::out_of_memory, text("a step over ", images_at_once(options), " images at once: ", shortage.message(),
                                    "; ", remedy, kOverride)};
}

Error with_remedy(const MemoryShortage& shortage, const SupervisedOptions& options) {
  const std::int64_t images = std::max<std::int64_t>(
      1, static_cast<std::int64_t>(0.9 * static_cast<double>(options.batch_size) *
                                   static_cast<double>(shortage.available()) / static_cast<double>(shortage.needed())));
  return {Code::out_of_memory, text("a step over ", options.batch_size, " images: ", shortage.message(),
                                    "; take a batchSize of some ", images, ", or smaller images", kOverride)};
}

}  // namespace gyrus::train
