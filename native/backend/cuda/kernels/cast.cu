// cast: reads x, writes y: 4 to 8 bytes an element.
#include "backend/cuda/kernels/cast.h"

#include "backend/cuda/kernels/flat.h"

namespace gyrus::backend::cuda {
namespace {

template <class From, class To>
struct Cast {
  static constexpr const char* kName = "cast";
  static constexpr int kWidth = kVector<From> > kVector<To> ? kVector<From> : kVector<To>;
  const From* x;
  To* y;

  template <int N>
  GYRUS_DEVICE void run(std::int64_t at) const {
    store(y + at, load<N>(x + at));
  }
};

}  // namespace

void cast_forward(Stream stream, const CastArgs& args) {
  for_dtype(args.x_dtype, [&]<class From>(From) {
    for_dtype(args.y_dtype, [&]<class To>(To) {
      launch_flat(stream, args.count, Cast<From, To>{static_cast<const From*>(args.x), static_cast<To*>(args.y)});
    });
  });
}

}  // namespace gyrus::backend::cuda
