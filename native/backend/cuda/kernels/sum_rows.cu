// sum_rows: reads x once (A bytes an element), 1 operation; f32 within a part of the rows, f64 across parts.
#include "backend/cuda/kernels/sum_rows.h"

#include "backend/cuda/kernels/sum_rows_terms.h"

namespace gyrus::backend::cuda {

std::int64_t sum_rows_scratch_bytes(const SumRowsArgs& args) {
  return column_scratch_bytes(args.dtype, args.rows, args.channels, 1);
}

void sum_rows_forward(Stream stream, const SumRowsArgs& args) {
  for_dtype(args.dtype, [&]<class T>(T) {
    launch_column_sums<T>(stream, args.rows, args.channels, RowSumTerms<T>{static_cast<const T*>(args.x)},
                          RowSumFinish{args.sums}, static_cast<float*>(args.scratch));
  });
}

}  // namespace gyrus::backend::cuda
