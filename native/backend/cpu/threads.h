// How a thread says to OpenMP how many threads the CPU backend uses.
#pragma once

namespace gyrus::backend::cpu {

// Sets the size of the calling thread's OpenMP teams. oneDNN reads that size when a primitive is made and again when it
// is executed, and both must agree: every entry into it goes through here. OpenMP keeps the setting per thread, so
// doing this once at the start would not reach an engine thread that is created later.
void use_threads(int threads);

}  // namespace gyrus::backend::cpu
