// A driver's library with no GPU behind it, for suite cuda_engines: cuDNN prepares kernels for a GPU that is described
// to it only where there is a libcuda.so.1 that takes them. This one takes them and forgets them; whoever asks for a
// device is told that there is none.
#define GYRUS_EXPORT extern "C" __attribute__((visibility("default")))

namespace {
constexpr int kSuccess = 0, kNoDevice = 100, kVersion = 13000;
int place = 0;  // what all handles point to
}  // namespace

// NOLINTBEGIN(readability-identifier-naming)
#define GYRUS_NONE(name) \
  GYRUS_EXPORT int name() { return kNoDevice; }
#define GYRUS_DONE(name) \
  GYRUS_EXPORT int name() { return kSuccess; }
#define GYRUS_HANDLE(name)             \
  GYRUS_EXPORT int name(void** made) { \
    *made = &place;                    \
    return kSuccess;                   \
  }
#define GYRUS_TEXT(name)                                  \
  GYRUS_EXPORT int name(int /*error*/, const char** to) { \
    *to = "there is no GPU";                              \
    return kSuccess;                                      \
  }

GYRUS_HANDLE(cuLibraryLoadData)
GYRUS_HANDLE(cuLibraryGetKernel)
GYRUS_HANDLE(cuLibraryGetModule)
GYRUS_HANDLE(cuModuleLoadData)
GYRUS_HANDLE(cuModuleLoadDataEx)
GYRUS_HANDLE(cuModuleLoadFatBinary)
GYRUS_HANDLE(cuModuleGetFunction)
GYRUS_HANDLE(cuKernelGetFunction)
GYRUS_DONE(cuLibraryUnload)
GYRUS_DONE(cuModuleUnload)
GYRUS_DONE(cuKernelSetAttribute)
GYRUS_DONE(cuFuncSetAttribute)
GYRUS_TEXT(cuGetErrorName)
GYRUS_TEXT(cuGetErrorString)
GYRUS_NONE(cuInit)
GYRUS_NONE(cuGetProcAddress)
GYRUS_NONE(cuGetProcAddress_v2)
GYRUS_NONE(cuCtxGetCurrent)
GYRUS_NONE(cuCtxGetDevice)
GYRUS_NONE(cuCtxGetLimit)
GYRUS_NONE(cuCtxPopCurrent)
GYRUS_NONE(cuCtxPushCurrent)
GYRUS_NONE(cuDeviceGet)
GYRUS_NONE(cuDeviceGetAttribute)
GYRUS_NONE(cuDeviceGetCount)
GYRUS_NONE(cuDevicePrimaryCtxRelease)
GYRUS_NONE(cuDevicePrimaryCtxReset)
GYRUS_NONE(cuDevicePrimaryCtxRetain)
GYRUS_NONE(cuFuncGetAttribute)
GYRUS_NONE(cuKernelGetAttribute)
GYRUS_NONE(cuLaunchCooperativeKernel)
GYRUS_NONE(cuLaunchKernel)
GYRUS_NONE(cuLaunchKernelEx)
GYRUS_NONE(cuLibraryLoadFromFile)
GYRUS_NONE(cuLinkAddData)
GYRUS_NONE(cuLinkAddData_v2)
GYRUS_NONE(cuLinkAddFile_v2)
GYRUS_NONE(cuLinkComplete)
GYRUS_NONE(cuLinkCreate)
GYRUS_NONE(cuLinkCreate_v2)
GYRUS_NONE(cuLinkDestroy)
GYRUS_NONE(cuMemcpyDtoH_v2)
GYRUS_NONE(cuModuleGetGlobal_v2)
GYRUS_NONE(cuOccupancyMaxActiveBlocksPerMultiprocessor)
GYRUS_NONE(cuOccupancyMaxPotentialClusterSize)
GYRUS_NONE(cuStreamGetCtx)
GYRUS_NONE(cuStreamSynchronize)
GYRUS_NONE(cuTensorMapEncodeTiled)
GYRUS_EXPORT int cuDriverGetVersion(int* version) {
  *version = kVersion;
  return kSuccess;
}
// NOLINTEND(readability-identifier-naming)
