// Marks functions that a CUDA thread may call too. Means nothing to a host compiler, and needs no header of CUDA.
#pragma once

#ifdef __CUDACC__
#define GYRUS_HOST_DEVICE __host__ __device__
#else
#define GYRUS_HOST_DEVICE
#endif
