// A picture of Cheng's brain tumour set (figshare): a MATLAB v7.3 file, which is HDF5 behind 512 bytes of text, with a
// group `cjdata` (science.md C10).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace gyrus::io {
class Hdf5File;
}

namespace gyrus::imaging {

struct FigshareImage {
  int label = 0;        // 1 meningioma, 2 glioma, 3 pituitary tumour
  std::string patient;  // as the file has it: digits, sometimes letters
  std::int64_t rows = 0, columns = 0;
  std::vector<float> pixels;       // [rows, columns]: MATLAB's columns turned into rows
  std::vector<std::uint8_t> mask;  // the same, 1 inside the tumour
};

// Throws what Hdf5File throws; Code::name when a part of cjdata is missing, Code::shape, dtype and file_format for
// parts that cannot be what they should.
FigshareImage read_figshare(const std::string& path);
FigshareImage read_figshare(const io::Hdf5File& file);

// The set's cvind.mat: of each picture, by its number less 1, the fold that it is tested in, from 1. Throws the same.
std::vector<std::int32_t> read_figshare_folds(const std::string& path);
std::vector<std::int32_t> read_figshare_folds(const io::Hdf5File& file);

}  // namespace gyrus::imaging
