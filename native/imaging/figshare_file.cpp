#include "imaging/figshare_file.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "imaging/transpose.h"
#include "io/hdf5_file.h"

namespace gyrus::imaging {
namespace {

constexpr std::int64_t kMostPixels = 16384;  // along a side
constexpr int kMostFolds = 1000;
constexpr std::int64_t kMostCharacters = 256;  // of a patient's name

struct Matrix {
  std::int64_t rows = 0, columns = 0;  // as MATLAB has them
  std::vector<float> values;           // [rows, columns]
};

// MATLAB writes its matrices column by column: the file's axes come the other way round.
Matrix read_matrix(const io::Hdf5File& file, std::string_view path, std::int64_t most) {
  const io::Hdf5Dataset dataset = file.find(path);
  const Shape& shape = dataset.shape();
  const bool is_fit = shape.rank() == 2 && shape[0] >= 1 && shape[1] >= 1 && shape[0] <= most && shape[1] <= most;
  GYRUS_CHECK(is_fit, Code::shape, dataset.where(), ": has the shape ", shape, ", a matrix of 1 to ", most,
              " rows and columns was expected; the file is of another kind");
  GYRUS_CHECK(dataset.type().kind == io::hdf5::ElementKind::real, Code::dtype, dataset.where(), ": holds ",
              dataset.type().name, ", numbers were expected");
  GYRUS_CHECK(dataset.is_whole(), Code::file_format, dataset.where(),
              ": parts of it were never written; the file is incomplete: fetch it again");
  Matrix matrix{shape[1], shape[0], {}};
  std::vector<float> stored(static_cast<std::size_t>(shape.elements()));
  dataset.read_f32(0, dataset.rows(), stored);
  matrix.values.resize(stored.size());
  transpose(Rows<const float>{stored.data(), matrix.rows}, matrix.columns, matrix.rows,
            Rows<float>{matrix.values.data(), matrix.columns});
  return matrix;
}

int read_label(const io::Hdf5File& file) {
  const Matrix label = read_matrix(file, "cjdata/label", 1);
  const float value = label.values.front();
  GYRUS_CHECK(value == 1 || value == 2 || value == 3, Code::file_format, file.label(), ": cjdata/label is ", value,
              "; 1 (meningioma), 2 (glioma) or 3 (pituitary tumour) was expected");
  return static_cast<int>(value);
}

// Characters are uint16 codes, all of them ASCII in the set.
std::string read_patient(const io::Hdf5File& file) {
  const Matrix codes = read_matrix(file, "cjdata/PID", kMostCharacters);
  std::string patient;
  for (const float code : codes.values) {
    GYRUS_CHECK(code > 0x20 && code < 0x7F, Code::file_format, file.label(), ": cjdata/PID holds the character code ",
                code, ", printable ASCII was expected");
    patient += static_cast<char>(code);
  }
  return patient;
}

}  // namespace

FigshareImage read_figshare(const std::string& path) { return read_figshare(io::Hdf5File(path)); }

FigshareImage read_figshare(const io::Hdf5File& file) {
  FigshareImage image;
  image.label = read_label(file);
  image.patient = read_patient(file);
  Matrix pixels = read_matrix(file, "cjdata/image", kMostPixels);
  const bool is_finite =
      std::all_of(pixels.values.begin(), pixels.values.end(), [](float value) { return std::isfinite(value); });
  GYRUS_CHECK(is_finite, Code::non_finite, file.label(), ": cjdata/image holds NaN or infinity");
  const Matrix mask = read_matrix(file, "cjdata/tumorMask", kMostPixels);
  GYRUS_CHECK(mask.rows == pixels.rows && mask.columns == pixels.columns, Code::shape, file.label(),
              ": cjdata/tumorMask has ", mask.rows, " x ", mask.columns, " pixels, the image ", pixels.rows, " x ",
              pixels.columns);
  image.rows = pixels.rows;
  image.columns = pixels.columns;
  image.pixels = std::move(pixels.values);
  image.mask.resize(mask.values.size());
  std::transform(mask.values.begin(), mask.values.end(), image.mask.begin(),
                 [](float value) { return static_cast<std::uint8_t>(value != 0 ? 1 : 0); });
  return image;
}

std::vector<std::int32_t> read_figshare_folds(const std::string& path) {
  return read_figshare_folds(io::Hdf5File(path));
}

std::vector<std::int32_t> read_figshare_folds(const io::Hdf5File& file) {
  const Matrix matrix = read_matrix(file, "cvind", kMostPixels);
  GYRUS_CHECK(matrix.rows == 1 || matrix.columns == 1, Code::shape, file.label(), ": cvind has ", matrix.rows, " x ",
              matrix.columns, " numbers, one row or column was expected");
  std::vector<std::int32_t> folds;
  for (const float value : matrix.values) {
    GYRUS_CHECK(value >= 1 && value <= kMostFolds && value == std::floor(value), Code::file_format, file.label(),
                ": cvind holds ", value, "; folds are whole numbers from 1 to ", kMostFolds);
    folds.push_back(static_cast<std::int32_t>(value));
  }
  return folds;
}

}  // namespace gyrus::imaging
