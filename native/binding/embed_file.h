// `gyrus embed`, natively: images from one .npy to features in another, in chunks, without a JS value in between.
#pragma once

#include <cstdint>
#include <string>

#include "binding/ticket.h"
#include "core/shape.h"
#include "train/sessions.h"

namespace gyrus::binding {

struct EmbedFileRequest {
  std::string input, output;    // .npy files: [N, C, H, W] of any type that io/npy.h reads; [N, D] f32
  std::int64_t batch_size = 1;  // images read at a time
  Shape image;                  // [C, H, W] that the session takes
  std::int64_t feature_dim = 0;
};

// Returns N. Memory: one chunk of images and all N x D features; the output appears under its name when it is complete.
std::int64_t embed_file(train::EncoderSession& session, const EmbedFileRequest& request, TicketState& ticket,
                        const runtime::Stop& stop);

}  // namespace gyrus::binding
