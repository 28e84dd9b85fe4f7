#include "binding/embed_file.h"

#include <algorithm>
#include <span>
#include <string_view>

#include "core/aligned_buffer.h"
#include "io/npy.h"

namespace gyrus::binding {
namespace {

void check_images(const io::NpyReader& reader, const Shape& image) {
  GYRUS_CHECK(reader.dtype().find('f') != std::string_view::npos, Code::dtype, reader.file(), " has the element type ",
              reader.dtype(),
              "; normalised images in <f4, <f8 or <f2 are expected: subtract the mean, divide by the "
              "deviation and save as <f4");
  const Shape& found = reader.shape();
  GYRUS_CHECK(found.rank() == 4 && std::ranges::equal(found.extents().subspan(1), image.extents()), Code::shape,
              reader.file(), " has shape ", found, "; this encoder takes [N, ", image[0], ", ", image[1], ", ",
              image[2], "]: load it with another imageSize or channels, or reshape the array");
}

std::span<float> floats(const AlignedBuffer& buffer) {
  return {buffer.as<float>(), static_cast<std::size_t>(buffer.bytes()) / sizeof(float)};
}

AlignedBuffer float_buffer(std::int64_t rows, std::int64_t columns) {
  return AlignedBuffer(Shape{rows, columns, static_cast<std::int64_t>(sizeof(float))}.elements());
}

}  // namespace

std::int64_t embed_file(train::EncoderSession& session, const EmbedFileRequest& request, TicketState& ticket,
                        const runtime::Stop& stop) {
  const io::NpyReader reader(request.input);
  check_images(reader, request.image);
  const std::int64_t count = reader.shape()[0], image = request.image.elements();
  const std::int64_t batch = std::min(request.batch_size, std::max<std::int64_t>(count, 1));
  const AlignedBuffer images = float_buffer(batch, image), features = float_buffer(count, request.feature_dim);
  ticket.total = count;
  for (std::int64_t first = 0; first < count; first += batch) {
    GYRUS_CHECK(!stop, Code::aborted, "embedding of ", request.input, " was cancelled; nothing was written");
    const std::int64_t rows = std::min(batch, count - first);
    reader.read_f32(first * image, floats(images).first(static_cast<std::size_t>(rows * image)));
    try {
      session.embed(images.as<float>(), rows, features.as<float>() + first * request.feature_dim, stop);
    } catch (const Error& error) {
      if (error.code() != Code::non_finite) throw;
      throw error.with_context(text(request.input, ", from image ", first, " on"));
    }
    ticket.done = first + rows;
  }
  GYRUS_CHECK(!stop, Code::aborted, "embedding of ", request.input, " was cancelled; nothing was written");
  io::write_npy(request.output, Shape{count, request.feature_dim}, floats(features));
  return count;
}

}  // namespace gyrus::binding
