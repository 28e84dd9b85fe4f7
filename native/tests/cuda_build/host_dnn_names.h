// Gives cuDNN's functions, its C++ frontend and what that asks of CUDA names of their own, for files that call the
// host's cuDNN: the real ones live in the same binary. Must come before cuDNN's headers.
#pragma once

// NOLINTBEGIN(readability-identifier-naming)
#define cudnn_frontend host_cudnn_frontend
#define cudaGetDevice host_cudaGetDevice
#define cudaDeviceGetAttribute host_cudaDeviceGetAttribute
#define cudnnGetVersion host_cudnnGetVersion
#define cudnnGetErrorString host_cudnnGetErrorString
#define cudnnGetLastErrorString host_cudnnGetLastErrorString
#define cudnnCreate host_cudnnCreate
#define cudnnDestroy host_cudnnDestroy
#define cudnnSetStream host_cudnnSetStream
#define cudnnGetStream host_cudnnGetStream
#define cudnnBackendCreateDescriptor host_cudnnBackendCreateDescriptor
#define cudnnBackendDestroyDescriptor host_cudnnBackendDestroyDescriptor
#define cudnnBackendFinalize host_cudnnBackendFinalize
#define cudnnBackendSetAttribute host_cudnnBackendSetAttribute
#define cudnnBackendGetAttribute host_cudnnBackendGetAttribute
#define cudnnBackendExecute host_cudnnBackendExecute
// NOLINTEND(readability-identifier-naming)
