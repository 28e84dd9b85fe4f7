// The two checksums of HDF5: Bob Jenkins' lookup3 over metadata, Fletcher's over the data of chunks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace gyrus::io::hdf5 {

// Jenkins' lookup3 hash ("hashlittle") with the initial value 0.
std::uint32_t lookup3(std::span<const std::byte> bytes);

// Fletcher-32 over big-endian 16-bit words, as the filter fletcher32 computes it.
std::uint32_t fletcher32(std::span<const std::byte> bytes);

}  // namespace gyrus::io::hdf5
