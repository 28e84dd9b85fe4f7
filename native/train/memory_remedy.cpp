#include "train/memory_remedy.h"

#include <algorithm>
#include <cmath>

#include "core/dtype.h"

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

// In f64, where no sum overflows; the widest number that an integer holds is more than any machine has.
std::int64_t whole_bytes(double bytes) {
  constexpr double kMost = 9.2e18;
  return static_cast<std::int64_t>(std::min(bytes, kMost));
}

}  // namespace

void check_room(const graph::ParameterSpecs& specs, const nn::EncoderOptions& encoder, int further_arenas) {
  GYRUS_ASSERT(!specs.empty());
  const Shape image{encoder.channels, encoder.image_height, encoder.image_width};
  auto elements = static_cast<double>(image.elements());
  const graph::ParameterSpec* largest = &specs.front();
  for (const graph::ParameterSpec& spec : specs) {
    const bool is_trained = further_arenas > 0 && spec.is_trainable && !spec.is_buffer;
    const int arenas = 1 + (is_trained ? further_arenas + (spec.has_ema ? 1 : 0) : 0);
    elements += arenas * static_cast<double>(spec.shape.elements());
    if (spec.shape.elements() > largest->shape.elements()) largest = &spec;
  }
  try {
    check_available(whole_bytes(elements * static_cast<double>(size_of(DType::f32))),
                    further_arenas > 0 ? "training this network" : "this network, with one image,");
  } catch (const MemoryShortage& shortage) {
    throw Error(Code::out_of_memory,
                text(shortage.message(), "; its largest parameter is '", largest->name, "' ", largest->shape,
                     ", its images are ", image, ": take smaller images or a smaller network", kOverride));
  }
}

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

Error with_remedy(const MemoryShortage& shortage, std::int64_t images) {
  const std::string_view remedy = images > 1 ? "give fewer images at a time, or smaller ones" : "take smaller images";
  return {Code::out_of_memory, text(images, " image(s) at once: ", shortage.message(), "; ", remedy, kOverride)};
}

}  // namespace gyrus::train
