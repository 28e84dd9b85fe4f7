# The CUDA compiler, its static run time, and the headers of cuBLASLt and cuDNN. The libraries themselves, and the
# driver, are opened at run time, so that what is built here also loads on machines without a GPU.
#
# nvcc is called by plain rules: CMake's own support of the language wants to know each release of it.
set(cuda_toolkit "${GYRUS_DEPS}/cuda/toolkit")
set(cuda_nvcc "${cuda_toolkit}/bin/nvcc")
if(NOT EXISTS "${cuda_nvcc}")
  message(FATAL_ERROR "GYRUS_CUDA is on, but there is no ${cuda_nvcc}: run scripts/setup cuda")
endif()
# A100, H100 and H200 directly; whatever comes later by its driver's compiler, from the PTX.
set(GYRUS_CUDA_GENCODE "-gencode=arch=compute_80,code=sm_80;-gencode=arch=compute_90,code=[sm_90,compute_90]"
    CACHE STRING "GPUs to compile for, as nvcc's options")

find_path(CUDNN_INCLUDE_DIR cudnn.h HINTS "${cuda_toolkit}/include" REQUIRED)
find_path(CUDNN_FRONTEND_INCLUDE_DIR cudnn_frontend.h HINTS "${GYRUS_DEPS}/cuda/frontend/include" REQUIRED)
find_library(CUDART_LIBRARY NAMES libcudart_static.a HINTS "${cuda_toolkit}/lib64" "${cuda_toolkit}/lib" REQUIRED)

# gyrus_compile_cuda(OUT FILE...): objects of .cu files.
function(gyrus_compile_cuda out)
  set(objects)
  foreach(source ${ARGN})
    file(RELATIVE_PATH name "${CMAKE_SOURCE_DIR}/native" "${source}")
    string(REPLACE "/" "_" name "${name}")
    set(object "${CMAKE_BINARY_DIR}/cuda/${name}.o")
    add_custom_command(
      OUTPUT "${object}"
      COMMAND ${CMAKE_CXX_COMPILER_LAUNCHER} "${cuda_nvcc}" -ccbin "${CMAKE_CXX_COMPILER}" -std=c++20 -O3 -c "${source}"
              -o "${object}" -MD -MF "${object}.d" -I "${CMAKE_SOURCE_DIR}/native" ${GYRUS_CUDA_GENCODE}
              --expt-relaxed-constexpr --extended-lambda --Werror=all-warnings
              -Xcompiler=-fPIC,-fvisibility=hidden,-Wall,-Wextra,-Werror
      DEPENDS "${source}" DEPFILE "${object}.d" COMMENT "nvcc ${name}" VERBATIM)
    list(APPEND objects "${object}")
  endforeach()
  set(${out} "${objects}" PARENT_SCOPE)
endfunction()

# gyrus_add_cuda(TARGET FILE...): a static library of C++ and CUDA sources.
function(gyrus_add_cuda target)
  set(kernels ${ARGN})
  list(FILTER kernels INCLUDE REGEX "\\.cu$")
  set(sources ${ARGN})
  list(FILTER sources EXCLUDE REGEX "\\.cu$")
  file(MAKE_DIRECTORY "${CMAKE_BINARY_DIR}/cuda")
  gyrus_compile_cuda(objects ${kernels})
  set_source_files_properties(${objects} PROPERTIES EXTERNAL_OBJECT TRUE GENERATED TRUE)
  # Of cuDNN's frontend, whose headers alone took -O3 a minute: it makes each plan once.
  set_source_files_properties("${CMAKE_SOURCE_DIR}/native/backend/cuda/dnn/plans.cpp" PROPERTIES COMPILE_OPTIONS -O1)
  add_library(${target} STATIC ${sources} ${objects})
  target_include_directories(${target} SYSTEM PRIVATE "${cuda_toolkit}/include" "${CUDNN_INCLUDE_DIR}"
                             "${CUDNN_FRONTEND_INCLUDE_DIR}")
  target_link_libraries(${target} PUBLIC "${CUDART_LIBRARY}" ${CMAKE_DL_LIBS} rt pthread)
endfunction()
