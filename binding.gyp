# The fallback build, CPU only, where there is no CMake: from the same list of sources as CMakeLists.txt.
#   npm run build:gyp   builds it in build-gyp/, beside the CMake build
{
  "targets": [
    {
      "target_name": "gyrus",
      "sources": ["<!@(node scripts/sources.mjs engine no_cuda binding)"],
      "include_dirs": ["native"],
      "defines": ["NAPI_VERSION=8", "NODE_ADDON_API_CPP_EXCEPTIONS"],
      "cflags_cc!": ["-fno-exceptions", "-fno-rtti", "-std=gnu++17", "-std=gnu++20"],
      "cflags_cc": [
        "-std=c++20", "-fexceptions", "-fopenmp", "-fvisibility=hidden", "-fvisibility-inlines-hidden",
        "-Wall", "-Wextra", "-Wconversion", "-Wswitch-enum", "-Wshadow", "-Wno-restrict", "-Werror",
        "-isystem", "<(module_root_dir)/<!(node -p \"require('node-addon-api').include_dir\")",
        "-isystem", "<(module_root_dir)/.deps/onednn/include",
        "-isystem", "<(module_root_dir)/.deps/highway/include",
        "-isystem", "<(module_root_dir)/.deps/libdeflate/include",
        "-isystem", "<(module_root_dir)/.deps/zlib/include"
      ],
      "ldflags": ["-fopenmp", "-Wl,-rpath,'$$ORIGIN'"],
      "libraries": [
        "-L<(module_root_dir)/.deps/onednn/lib", "-l:libdnnl.so.3",
        "-L<(module_root_dir)/.deps/highway/lib", "-l:libhwy.so.1",
        "-L<(module_root_dir)/.deps/libdeflate/lib", "-l:libdeflate.so.0",
        "-L<(module_root_dir)/.deps/zlib/lib", "-l:libz.so.1"
      ],
      "actions": [
        {
          "action_name": "libraries_beside_the_addon",
          "inputs": [".deps/onednn/lib/libdnnl.so.3", ".deps/highway/lib/libhwy.so.1",
                     ".deps/libdeflate/lib/libdeflate.so.0"],
          "outputs": ["<(PRODUCT_DIR)/libdnnl.so.3", "<(PRODUCT_DIR)/libhwy.so.1",
                      "<(PRODUCT_DIR)/libdeflate.so.0"],
          "action": ["cp", "-L", "<@(_inputs)", "<(PRODUCT_DIR)"]
        }
      ]
    }
  ]
}
