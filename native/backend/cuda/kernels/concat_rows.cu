// concat_rows and its gradient: every element is read and written once: 2 A bytes.
#include "backend/cuda/kernels/concat_rows.h"

#include "backend/cuda/kernels/flat.h"

namespace gyrus::backend::cuda {
namespace {

template <class T, int kChannels>
struct ConcatRows {
  static constexpr const char* kName = "concat_rows";
  static constexpr int kWidth = 1;  // vectors of channels
  const T *a, *b;
  T* y;
  std::int64_t first;  // elements of a

  template <int>
  GYRUS_DEVICE void run(std::int64_t at) const {
    const std::int64_t element = at * kChannels;
    store(y + element, load<kChannels>(element < first ? a + element : b + (element - first)));
  }
};

template <class T, int kChannels>
struct ConcatRowsBackward {
  static constexpr const char* kName = "concat_rows_backward";
  static constexpr int kWidth = 1;  // vectors of channels
  const T* dy;
  T *da, *db;
  std::int64_t first;  // elements of da

  template <int>
  GYRUS_DEVICE void run(std::int64_t at) const {
    const std::int64_t element = at * kChannels;
    const bool is_first = element < first;
    if ((is_first ? da : db) == nullptr) return;
    store(is_first ? da + element : db + (element - first), load<kChannels>(dy + element));
  }
};

}  // namespace

void concat_rows_forward(Stream stream, const ConcatRowsArgs& args) {
  for_dtype(args.dtype, [&]<class T>(T) {
    for_width<T>(args.width, [&]<int kChannels>(Width<kChannels>) {
      launch_flat(stream, (args.a_rows + args.b_rows) * args.width / kChannels,
                  ConcatRows<T, kChannels>{static_cast<const T*>(args.a), static_cast<const T*>(args.b),
                                           static_cast<T*>(args.y), args.a_rows * args.width});
    });
  });
}

void concat_rows_backward(Stream stream, const ConcatRowsBackwardArgs& args) {
  for_dtype(args.dtype, [&]<class T>(T) {
    for_width<T>(args.width, [&]<int kChannels>(Width<kChannels>) {
      launch_flat(stream, (args.a_rows + args.b_rows) * args.width / kChannels,
                  ConcatRowsBackward<T, kChannels>{static_cast<const T*>(args.dy), static_cast<T*>(args.da),
                                                   static_cast<T*>(args.db), args.a_rows * args.width});
    });
  });
}

}  // namespace gyrus::backend::cuda
