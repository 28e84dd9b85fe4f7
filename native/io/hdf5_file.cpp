// Finding objects by path, and the attributes of what was found.
#include "io/hdf5_file.h"

#include <algorithm>

#include "core/error.h"
#include "io/hdf5/attribute.h"
#include "io/hdf5/convert.h"
#include "io/hdf5/links.h"
#include "io/hdf5/text_value.h"
#include "io/hdf5_state.h"
#include "io/utf8.h"

namespace gyrus::io {

using hdf5::Image;
using hdf5::Link;
using hdf5::ObjectHeader;

namespace {

constexpr std::size_t kMaxShown = 12;  // names in a message

std::string shown(const std::vector<Link>& links) {
  if (links.empty()) return "it is empty";
  std::string names = "it holds ";
  for (std::size_t i = 0; i < std::min(links.size(), kMaxShown); ++i) {
    names += (i == 0 ? "" : ", ") + quoted(links[i].name);
  }
  return links.size() > kMaxShown ? text(names, " and ", links.size() - kMaxShown, " more") : names;
}

// "/cjdata/image", whatever slashes the caller wrote.
std::string normal_path(std::string_view path) {
  std::string normal;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    if (end > 0) normal += text("/", path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return normal;
}

std::string where_of(const Image& image, const std::string& path) {
  return text(image.label(), ": ", path.empty() ? "/" : path);
}

// The link called `name` of a group, or nullopt.
std::optional<Link> step(const std::vector<Link>& links, std::string_view name) {
  const auto found = std::find_if(links.begin(), links.end(), [name](const Link& link) { return link.name == name; });
  if (found == links.end()) return std::nullopt;
  GYRUS_CHECK(found->kind == hdf5::LinkKind::hard, Code::file_format, quoted(name), " is ",
              found->kind == hdf5::LinkKind::soft ? "a soft link" : "a link out of the file",
              ", which is never followed; store the object itself there");
  return *found;
}

// What find_object() looks for, and what it says when that is not there.
enum class Missing { is_error, is_none };

// Address of an object's header, of a normal path.
std::optional<std::uint64_t> find_object(const Image& image, const std::string& path, Missing missing) {
  std::uint64_t address = image.root();
  std::string group;
  for (std::size_t begin = 1; begin < path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string name = path.substr(begin, end - begin);
    const std::optional<Link> link = hdf5::located(where_of(image, group), [&]() -> std::optional<Link> {
      const ObjectHeader header(image, address);
      const bool is_group = hdf5::is_group(header);
      if (!is_group && missing == Missing::is_none) return std::nullopt;
      GYRUS_CHECK(is_group, Code::name, "has no ", quoted(name), ": it is a dataset, not a group");
      const std::vector<Link> links = hdf5::links_of(image, header);
      std::optional<Link> found = step(links, name);
      GYRUS_CHECK(found || missing == Missing::is_none, Code::name, "has no ", quoted(name), ": ", shown(links));
      return found;
    });
    if (!link) return std::nullopt;
    address = link->address;
    group = path.substr(0, end);
    begin = end + 1;
  }
  return address;
}

std::uint64_t required_object(const Image& image, const std::string& path) {
  return find_object(image, path, Missing::is_error).value();
}

}  // namespace

struct Hdf5File::State {
  explicit State(InputFile file) : image(std::make_shared<const Image>(std::move(file))) {}

  // What `read` makes of an attribute; nullopt when there is none.
  template <class Read>
  auto attribute(std::string_view path, std::string_view name, const Read& read) const
      -> std::optional<decltype(read(hdf5::Attribute()))> {
    const std::string normal = normal_path(path);
    const std::uint64_t address = required_object(*image, normal);
    const std::string where = text(where_of(*image, normal), ": attribute ", quoted(name));
    return hdf5::located(where, [&]() -> std::optional<decltype(read(hdf5::Attribute()))> {
      const ObjectHeader header(*image, address);
      const std::optional<hdf5::Attribute> found = hdf5::find_attribute(*image, header, name);
      if (!found) return std::nullopt;
      GYRUS_CHECK(found->shape.elements() == 1, Code::shape, "holds an array ", found->shape,
                  ", a single value was expected");
      return read(*found);
    });
  }

  std::shared_ptr<const Image> image;
};

Hdf5File::Hdf5File(const std::string& path) : state_(std::make_shared<const State>(InputFile(path))) {}

Hdf5File::Hdf5File(std::span<const std::byte> bytes, std::string label)
    : state_(std::make_shared<const State>(InputFile(bytes, std::move(label)))) {}

Hdf5File::~Hdf5File() = default;
Hdf5File::Hdf5File(Hdf5File&&) noexcept = default;
Hdf5File& Hdf5File::operator=(Hdf5File&&) noexcept = default;

const std::string& Hdf5File::label() const { return state_->image->label(); }

std::vector<std::string> Hdf5File::children(std::string_view path) const {
  const Image& image = *state_->image;
  const std::string normal = normal_path(path);
  const std::uint64_t address = required_object(image, normal);
  return hdf5::located(where_of(image, normal), [&] {
    const ObjectHeader header(image, address);
    GYRUS_CHECK(hdf5::is_group(header), Code::name, "is a dataset, a group was expected");
    std::vector<std::string> names;
    for (Link& link : hdf5::links_of(image, header)) names.push_back(std::move(link.name));
    return names;
  });
}

bool Hdf5File::has(std::string_view path) const {
  return find_object(*state_->image, normal_path(path), Missing::is_none).has_value();
}

Hdf5Dataset Hdf5File::find(std::string_view path) const {
  const std::shared_ptr<const Image>& image = state_->image;
  const std::string normal = normal_path(path);
  const std::uint64_t address = required_object(*image, normal);
  const std::string where = where_of(*image, normal);
  return hdf5::located(where, [&] {
    const ObjectHeader header(*image, address);
    if (hdf5::is_group(header)) {
      throw Error(Code::name, text("is a group, a dataset was expected; ", shown(hdf5::links_of(*image, header))));
    }
    using DatasetState = Hdf5Dataset::State;
    return Hdf5Dataset(std::make_shared<const DatasetState>(DatasetState{where, hdf5::StoredArray(image, header)}));
  });
}

std::optional<double> Hdf5File::number_attribute(std::string_view path, std::string_view name) const {
  return state_->attribute(path, name, [](const hdf5::Attribute& attribute) {
    GYRUS_CHECK(attribute.type.kind == hdf5::ElementKind::real, Code::dtype, "holds ", attribute.type.name,
                ", a real number was expected");
    return hdf5::number_of(attribute.type, attribute.data);
  });
}

std::optional<std::string> Hdf5File::text_attribute(std::string_view path, std::string_view name) const {
  const Image& image = *state_->image;
  return state_->attribute(path, name, [&image](const hdf5::Attribute& attribute) {
    return hdf5::text_of(image, attribute.type, attribute.data);
  });
}

}  // namespace gyrus::io
