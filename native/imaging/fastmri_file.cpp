#include "imaging/fastmri_file.h"

#include <algorithm>
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

FastmriKspace::FastmriKspace(io::Hdf5Dataset kspace) : kspace_(std::move(kspace)), shape_(kspace_.shape()) {
  if (shape_.rank() == 3) shape_ = Shape{shape_[0], 1, shape_[1], shape_[2]};
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
                                   std::initializer_list<int> ranks) const {
  io::Hdf5Dataset found = file_.find(name);
  GYRUS_CHECK(std::ranges::find(ranks, found.shape().rank()) != ranks.end(), Code::shape, found.where(),
              ": has the shape ", found.shape(), ", ", axes, " was expected; give a file of the form of fastMRI's");
  GYRUS_CHECK(found.type().kind == kind, Code::dtype, found.where(), ": holds ", found.type().name, ", ",
              kind == io::hdf5::ElementKind::complex ? "complex" : "real", " numbers were expected");
  GYRUS_CHECK(found.is_whole(), Code::file_format, found.where(),
              ": parts of the array were never written; the file is incomplete: fetch or make it again");
  return found;
}

FastmriImages FastmriFile::rss() const {
  return FastmriImages(array("reconstruction_rss", io::hdf5::ElementKind::real, "[slices, height, width]", {3}));
}

FastmriKspace FastmriFile::kspace() const {
  return FastmriKspace(array("kspace", io::hdf5::ElementKind::complex,
                             "[slices, coils, height, width] or [slices, height, width]", {3, 4}));
}

std::optional<std::vector<float>> FastmriFile::mask() const {
  if (!file_.has("mask")) return std::nullopt;
  const io::Hdf5Dataset dataset = array("mask", io::hdf5::ElementKind::real, "[width]", {1});
  std::vector<float> values(static_cast<std::size_t>(dataset.shape()[0]));
  dataset.read_f32(0, dataset.rows(), values);
  return values;
}

}  // namespace gyrus::imaging
