// The functions of cuDNN that dnn.cpp and its C++ frontend call, each passed on to the library that was opened at run
// time: so nothing here is linked with cuDNN. They are visible in this binary only. Where the library is not there,
// they say so by their status; Dnn's constructor has thrown long before.
#include <cudnn.h>

#include "backend/cuda_libraries.h"

namespace {

template <class Function>
Function* find(Function*, const char* name) {
  return reinterpret_cast<Function*>(gyrus::backend::cuda_function(gyrus::backend::CudaLibrary::cudnn, name));
}

}  // namespace

// Looks the function up once. `failure` is what the call gives where there is none.
#define GYRUS_PASS_ON(name, failure, ...)          \
  static const auto function = find(&name, #name); \
  return function != nullptr ? function(__VA_ARGS__) : failure

extern "C" {

size_t cudnnGetVersion() { GYRUS_PASS_ON(cudnnGetVersion, 0); }

const char* cudnnGetErrorString(cudnnStatus_t status) { GYRUS_PASS_ON(cudnnGetErrorString, "no cuDNN", status); }

void cudnnGetLastErrorString(char* message, size_t size) {
  static const auto function = find(&cudnnGetLastErrorString, "cudnnGetLastErrorString");
  if (function != nullptr) return function(message, size);
  if (size > 0) *message = '\0';
}

cudnnStatus_t cudnnCreate(cudnnHandle_t* handle) { GYRUS_PASS_ON(cudnnCreate, CUDNN_STATUS_NOT_INITIALIZED, handle); }

cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) { GYRUS_PASS_ON(cudnnDestroy, CUDNN_STATUS_NOT_INITIALIZED, handle); }

cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) {
  GYRUS_PASS_ON(cudnnSetStream, CUDNN_STATUS_NOT_INITIALIZED, handle, stream);
}

cudnnStatus_t cudnnGetStream(cudnnHandle_t handle, cudaStream_t* stream) {
  GYRUS_PASS_ON(cudnnGetStream, CUDNN_STATUS_NOT_INITIALIZED, handle, stream);
}

cudnnStatus_t cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t type, cudnnBackendDescriptor_t* descriptor) {
  GYRUS_PASS_ON(cudnnBackendCreateDescriptor, CUDNN_STATUS_NOT_INITIALIZED, type, descriptor);
}

cudnnStatus_t cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t descriptor) {
  GYRUS_PASS_ON(cudnnBackendDestroyDescriptor, CUDNN_STATUS_NOT_INITIALIZED, descriptor);
}

cudnnStatus_t cudnnBackendFinalize(cudnnBackendDescriptor_t descriptor) {
  GYRUS_PASS_ON(cudnnBackendFinalize, CUDNN_STATUS_NOT_INITIALIZED, descriptor);
}

cudnnStatus_t cudnnBackendSetAttribute(cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, int64_t count, const void* elements) {
  GYRUS_PASS_ON(cudnnBackendSetAttribute, CUDNN_STATUS_NOT_INITIALIZED, descriptor, name, type, count, elements);
}

cudnnStatus_t cudnnBackendGetAttribute(const cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, int64_t asked, int64_t* count,
                                       void* elements) {
  GYRUS_PASS_ON(cudnnBackendGetAttribute, CUDNN_STATUS_NOT_INITIALIZED, descriptor, name, type, asked, count, elements);
}

cudnnStatus_t cudnnBackendExecute(cudnnHandle_t handle, cudnnBackendDescriptor_t plan, cudnnBackendDescriptor_t pack) {
  GYRUS_PASS_ON(cudnnBackendExecute, CUDNN_STATUS_NOT_INITIALIZED, handle, plan, pack);
}

}  // extern "C"
