#include "imaging/fastmri_file.h"

#include <utility>

#include "core/error.h"
#include "io/utf8.h"

namespace gyrus::imaging {

std::optional<std::string> FastmriFile::text_attribute(std::string_view name) const {
  std::optional<std::string> found = file_.text_attribute("/", name);
  GYRUS_CHECK(!found || io::is_utf8(*found), Code::file_format, file_.label(), ": attribute ", name, " is ",
              io::quoted(found.value_or("")), ", UTF-8 was expected; the file is damaged");
  return found;
}

void FastmriKspace::read_slice(std::int64_t slice, std::span<std::complex<float>> out) const {
  // A complex<float> is, by the standard, its two floats.
  kspace_.read_f32(slice, 1, {reinterpret_cast<float*>(out.data()), 2 * out.size()});
}

FastmriAttributes FastmriFile::attributes() const {
  FastmriAttributes found;
  found.acquisition = acquisition();
  found.max = file_.number_attribute("/", "max");
  found.norm = file_.number_attribute("/", "norm");
  found.patient_id = patient_id();
  found.acceleration = file_.number_attribute("/", "acceleration");
  return found;
}

std::optional<IsmrmrdHeader> FastmriFile::header() const {
  if (!file_.has("ismrmrd_header")) return std::nullopt;
  const io::Hdf5Dataset dataset = file_.find("ismrmrd_header");
  const std::string xml = dataset.read_text();
  try {
    return parse_ismrmrd_header(xml);
  } catch (const Error& error) {
    throw error.with_context(dataset.where());
  }
}

io::Hdf5Dataset FastmriFile::array(std::string_view name, io::hdf5::ElementKind kind, std::string_view axes,
                                   int rank) const {
  io::Hdf5Dataset found = file_.find(name);
  GYRUS_CHECK(found.shape().rank() == rank, Code::shape, found.where(), ": has the shape ", found.shape(), ", ", axes,
              " was expected; give a multi-coil fastMRI file");
  GYRUS_CHECK(found.type().kind == kind, Code::dtype, found.where(), ": holds ", found.type().name, ", ",
              kind == io::hdf5::ElementKind::complex ? "complex" : "real", " numbers were expected");
  GYRUS_CHECK(found.is_whole(), Code::file_format, found.where(),
              ": parts of the array were never written; the file is incomplete: fetch or make it again");
  return found;
}

FastmriImages FastmriFile::rss() const {
  return FastmriImages(array("reconstruction_rss", io::hdf5::ElementKind::real, "[slices, height, width]", 3));
}

FastmriKspace FastmriFile::kspace() const {
  return FastmriKspace(array("kspace", io::hdf5::ElementKind::complex, "[slices, coils, height, width]", 4));
}

std::optional<std::vector<float>> FastmriFile::mask() const {
  if (!file_.has("mask")) return std::nullopt;
  const io::Hdf5Dataset dataset = array("mask", io::hdf5::ElementKind::real, "[width]", 1);
  std::vector<float> values(static_cast<std::size_t>(dataset.shape()[0]));
  dataset.read_f32(0, dataset.rows(), values);
  return values;
}

}  // namespace gyrus::imaging
