// select_token: reads and writes the token alone: 2 A bytes an element of y. select_token_backward: writes dx: A bytes
// an element.
#include "backend/cuda/kernels/select_token.h"

#include "backend/cuda/kernels/flat.h"

namespace gyrus::backend::cuda {
namespace {

template <class T, int kChannels>
struct SelectToken {
  static constexpr const char* kName = "select_token";
  static constexpr int kWidth = 1;  // vectors of channels
  const T* x;
  T* y;
  std::int64_t tokens, width, index;

  template <int>
  GYRUS_DEVICE void run(std::int64_t at) const {
    const std::int64_t element = at * kChannels, d = element % width, image = element / width;
    store(y + element, load<kChannels>(x + (image * tokens + index) * width + d));
  }
};

template <class T, int kChannels>
struct SelectTokenBackward {
  static constexpr const char* kName = "select_token_backward";
  static constexpr int kWidth = 1;  // vectors of channels
  const T* dy;
  T* dx;
  std::int64_t tokens, width, index;

  template <int>
  GYRUS_DEVICE void run(std::int64_t at) const {
    const std::int64_t element = at * kChannels, d = element % width, row = element / width;
    const bool is_chosen = row % tokens == index;
    store(dx + element, is_chosen ? load<kChannels>(dy + row / tokens * width + d) : Values<kChannels>{});
  }
};

}  // namespace

void select_token_forward(Stream stream, const SelectTokenArgs& args) {
  for_dtype(args.dtype, [&]<class T>(T) {
    for_width<T>(args.width, [&]<int kChannels>(Width<kChannels>) {
      launch_flat(stream, args.images * args.width / kChannels,
                  SelectToken<T, kChannels>{static_cast<const T*>(args.x), static_cast<T*>(args.y), args.tokens,
                                            args.width, args.index});
    });
  });
}

void select_token_backward(Stream stream, const SelectTokenBackwardArgs& args) {
  for_dtype(args.dtype, [&]<class T>(T) {
    for_width<T>(args.width, [&]<int kChannels>(Width<kChannels>) {
      launch_flat(stream, args.images * args.tokens * args.width / kChannels,
                  SelectTokenBackward<T, kChannels>{static_cast<const T*>(args.dy), static_cast<T*>(args.dx),
                                                    args.tokens, args.width, args.index});
    });
  });
}

}  // namespace gyrus::backend::cuda
