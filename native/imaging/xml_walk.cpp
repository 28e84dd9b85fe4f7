#include "imaging/xml_walk.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "core/error.h"
#include "io/utf8.h"

namespace gyrus::imaging {
namespace {

constexpr std::size_t kMaxDepth = 64;
constexpr std::string_view kSpace = " \t\r\n";

class XmlWalk {
 public:
  XmlWalk(std::string_view xml, std::string_view root, std::string_view what, XmlVisitor& visitor)
      : xml_(xml), root_(root), what_(what), visitor_(visitor) {}

  void run() {
    while (true) {
      const std::size_t tag = xml_.find('<', at_);
      if (tag == std::string_view::npos) break;
      const std::string_view content = xml_.substr(at_, tag - at_);
      at_ = tag;
      if (accept("<!--")) {
        skip_past("-->");
      } else if (accept("<?")) {
        skip_past("?>");
      } else if (accept("<![CDATA[")) {
        skip_past("]]>");
      } else if (accept("</")) {
        close(content);
      } else {
        if (accept("<!")) fail("holds a document type declaration, which is not accepted");
        ++at_;
        open();
      }
    }
    if (!path_.empty()) fail(text("ends inside the element ", io::quoted(path_.back())));
  }

 private:
  [[noreturn]] void fail(std::string_view problem) const {
    throw Error(Code::file_format,
                text(what_, " ", problem, " (character ", at_, "); the file is damaged: fetch or copy it again"));
  }

  bool accept(std::string_view word) {
    if (!xml_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  void skip_past(std::string_view end) {
    const std::size_t found = xml_.find(end, at_);
    if (found == std::string_view::npos) fail(text("ends before ", end));
    at_ = found + end.size();
    is_leaf_ = false;  // what is interrupted is not read
  }

  // Past the tag's end, which may not be that of a quoted attribute.
  std::string_view tag_body() {
    const std::size_t begin = at_;
    char quote = '\0';
    for (; at_ < xml_.size(); ++at_) {
      const char letter = xml_[at_];
      if (quote == '\0' && letter == '>') return xml_.substr(begin, at_++ - begin);
      if (quote != '\0') {
        if (letter == quote) quote = '\0';
      } else if (letter == '"' || letter == '\'') {
        quote = letter;
      }
    }
    fail("ends inside a tag");
  }

  std::string_view name_of(std::string_view body) const {
    const std::string_view name = body.substr(0, body.find_first_of(" \t\r\n/"));
    if (name.empty()) fail("has a tag without a name");
    const std::size_t colon = name.find(':');
    return colon == std::string_view::npos ? name : name.substr(colon + 1);
  }

  void open() {
    const std::string_view body = tag_body();
    const std::string_view name = name_of(body);
    if (path_.empty() && name != root_) fail(text("begins with ", io::quoted(name), ", not ", root_));
    if (path_.size() == kMaxDepth) fail(text("nests elements deeper than ", kMaxDepth));
    path_.push_back(name);
    visitor_.open(path_);
    is_leaf_ = body.back() != '/';
    if (!is_leaf_) path_.pop_back();
  }

  void close(std::string_view content) {
    const std::string_view name = name_of(tag_body());
    if (path_.empty() || path_.back() != name) fail(text("closes ", io::quoted(name), ", which is not open"));
    if (is_leaf_) visitor_.leaf(path_, content);
    path_.pop_back();
    is_leaf_ = false;
  }

  std::string_view xml_, root_, what_;
  XmlVisitor& visitor_;
  std::size_t at_ = 0;
  std::vector<std::string_view> path_;
  bool is_leaf_ = false;  // nothing but characters since the last opening tag
};

constexpr std::array<std::pair<std::string_view, char32_t>, 5> kNamed{
    {{"amp", U'&'}, {"lt", U'<'}, {"gt", U'>'}, {"quot", U'"'}, {"apos", U'\''}}};

// Of a reference without its & and ;.
std::optional<char32_t> referred(std::string_view name) {
  for (const auto& [known, character] : kNamed) {
    if (name == known) return character;
  }
  if (!name.starts_with('#')) return std::nullopt;
  const int base = name.starts_with("#x") ? 16 : 10;
  const std::string_view digits = name.substr(base == 16 ? 2 : 1);
  std::uint32_t scalar = 0;
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), scalar, base);
  const bool is_number = problem == std::errc() && end == digits.data() + digits.size();
  const bool is_scalar = scalar > 0 && scalar < 0x110000 && (scalar < 0xd800 || scalar > 0xdfff);
  return is_number && is_scalar ? std::optional<char32_t>(scalar) : std::nullopt;
}

}  // namespace

bool is_below_root(XmlPath path, std::string_view wanted) {
  for (std::size_t level = 1; level < path.size(); ++level) {
    if (!wanted.starts_with(path[level])) return false;
    wanted.remove_prefix(path[level].size());
    const bool is_last = level + 1 == path.size();
    if (is_last != wanted.empty()) return false;
    if (is_last) return true;
    if (wanted.front() != '/') return false;
    wanted.remove_prefix(1);
  }
  return false;
}

void walk_xml(std::string_view xml, std::string_view root, std::string_view what, XmlVisitor& visitor) {
  XmlWalk(xml, root, what, visitor).run();
}

std::string_view xml_trimmed(std::string_view content) {
  const std::size_t begin = content.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return content.substr(begin, content.find_last_not_of(kSpace) - begin + 1);
}

std::string xml_text(std::string_view content) {
  constexpr std::size_t kLongest = 12;  // characters of a reference
  content = xml_trimmed(content);
  std::string characters;
  while (!content.empty()) {
    const std::size_t begin = std::min(content.find('&'), content.size());
    characters += content.substr(0, begin);
    content.remove_prefix(begin);
    if (content.empty()) break;
    const std::size_t end = content.substr(0, kLongest).find(';');
    const auto character = end == std::string_view::npos ? std::nullopt : referred(content.substr(1, end - 1));
    if (character) {
      io::append_utf8(characters, *character);
    } else {
      characters += '&';
    }
    content.remove_prefix(character ? end + 1 : 1);
  }
  return characters;
}

}  // namespace gyrus::imaging
