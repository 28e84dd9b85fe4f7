// Which instruction sets the kernels are compiled for; included before hwy/foreach_target.h. AVX2 and AVX-512 ("AVX3")
// are what training runs on, SSE4 keeps older machines and emulators working; SSSE3 alone is not worth its compile
// time.
#pragma once

#define HWY_DISABLED_TARGETS HWY_SSSE3
