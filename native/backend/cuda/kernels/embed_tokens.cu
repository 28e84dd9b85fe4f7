// embed_tokens: reads the patches and the positions (from cache, but for the first image), writes y: A + 4 bytes an
// element, 1 operation. embed_tokens_backward: dpos is a sum over the images of dy as one long row (A bytes an element,
// 1 operation), dcls its first token; dpatches a copy (2 A bytes).
#include "backend/cuda/kernels/embed_tokens.h"

#include "backend/cuda/kernels/flat.h"
#include "backend/cuda/kernels/sum_rows_terms.h"

namespace gyrus::backend::cuda {
namespace {

template <class T, int kChannels>
struct EmbedTokens {
  static constexpr const char* kName = "embed_tokens";
  static constexpr int kWidth = 1;  // vectors of channels
  const T* patches;
  const float *cls, *pos;
  float* y;
  std::int64_t tokens, width;

  template <int>
  GYRUS_DEVICE void run(std::int64_t at) const {
    const std::int64_t element = at * kChannels, d = element % width, row = element / width;
    const std::int64_t token = row % tokens, image = row / tokens;
    const auto position = load<kChannels>(pos + token * width + d);
    const auto value = token == 0 ? load<kChannels>(cls + d)
                                  : load<kChannels>(patches + (image * (tokens - 1) + token - 1) * width + d);
    store(y + element, make_values<kChannels>([&](int i) { return position.at[i] + value.at[i]; }));
  }
};

template <class T, int kChannels>
struct PatchGradient {
  static constexpr const char* kName = "embed_tokens_backward, patches";
  static constexpr int kWidth = 1;  // vectors of channels
  const T* dy;
  T* dpatches;
  std::int64_t tokens, width;

  template <int>
  GYRUS_DEVICE void run(std::int64_t at) const {
    const std::int64_t element = at * kChannels, d = element % width, row = element / width;
    const std::int64_t patch = row % (tokens - 1), image = row / (tokens - 1);
    store(dpatches + element, load<kChannels>(dy + (image * tokens + patch + 1) * width + d));
  }
};

// The sum over images, and of the class token once more.
struct PositionFinish {
  static constexpr const char* kName = "embed_tokens_backward, positions";
  static constexpr int kSums = 1;
  float *dcls, *dpos;
  std::int64_t width;
  GYRUS_DEVICE void operator()(std::int64_t at, const double (&total)[1]) const {
    dpos[at] = static_cast<float>(total[0]);
    if (at < width) dcls[at] = static_cast<float>(total[0]);
  }
};

}  // namespace

void embed_tokens_forward(Stream stream, const EmbedTokensArgs& args) {
  for_dtype(args.dtype, [&]<class T>(T) {
    for_width<T>(args.width, [&]<int kChannels>(Width<kChannels>) {
      launch_flat(stream, args.images * args.tokens * args.width / kChannels,
                  EmbedTokens<T, kChannels>{static_cast<const T*>(args.patches), args.cls, args.pos, args.y,
                                            args.tokens, args.width});
    });
  });
}

std::int64_t embed_tokens_backward_scratch_bytes(const EmbedTokensBackwardArgs& args) {
  return column_scratch_bytes(args.dtype, args.images, args.tokens * args.width, 1);
}

void embed_tokens_backward(Stream stream, const EmbedTokensBackwardArgs& args) {
  for_dtype(args.dtype, [&]<class T>(T) {
    const T* dy = static_cast<const T*>(args.dy);
    launch_column_sums<T>(stream, args.images, args.tokens * args.width, RowSumTerms<T>{dy},
                          PositionFinish{args.dcls, args.dpos, args.width}, static_cast<float*>(args.scratch));
    for_width<T>(args.width, [&]<int kChannels>(Width<kChannels>) {
      launch_flat(stream, args.images * (args.tokens - 1) * args.width / kChannels,
                  PatchGradient<T, kChannels>{dy, static_cast<T*>(args.dpatches), args.tokens, args.width});
    });
  });
}

}  // namespace gyrus::backend::cuda
