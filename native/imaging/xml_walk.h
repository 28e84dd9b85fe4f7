// The elements of a small XML document, as they open, and what those hold that hold nothing but characters. Enough for
// the headers of MR scans: no document types, no entities but the characters' own. Same rules of distrust as
// io/safetensors.h.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace gyrus::imaging {

// From the root's element to the present one, without namespace prefixes.
using XmlPath = std::span<const std::string_view>;

// Whether the path below the root is this one: "encoding/encodedSpace/matrixSize/x".
bool is_below_root(XmlPath path, std::string_view wanted);

class XmlVisitor {
 public:
  virtual ~XmlVisitor() = default;
  virtual void open(XmlPath) {}
  // `content` may hold references (&amp;), see xml_text(); an empty element (<x/>) is none of these.
  virtual void leaf(XmlPath path, std::string_view content) = 0;
};

// Elements must nest, at most 64 deep, below one called `root`. `what` stands for the document in messages ("the
// ISMRMRD header"). Throws Code::file_format, and whatever the visitor throws.
void walk_xml(std::string_view xml, std::string_view root, std::string_view what, XmlVisitor& visitor);

// Without the space around it.
std::string_view xml_trimmed(std::string_view content);
// The characters that a trimmed content stands for; a reference to none is left as it is.
std::string xml_text(std::string_view content);

}  // namespace gyrus::imaging
