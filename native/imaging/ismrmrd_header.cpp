#include "imaging/ismrmrd_header.h"

#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <vector>

#include "core/error.h"
#include "io/utf8.h"

namespace gyrus::imaging {
namespace {

constexpr std::int64_t kMaxNumber = 1 << 20;
constexpr std::size_t kMaxDepth = 64;
constexpr std::string_view kSpace = " \t\r\n";

struct Wanted {
  std::string_view path;  // below the first <encoding>
  std::optional<std::int64_t> value;
};

using WantedList = std::array<Wanted, 8>;

std::string_view trimmed(std::string_view content) {
  const std::size_t begin = content.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return content.substr(begin, content.find_last_not_of(kSpace) - begin + 1);
}

std::int64_t number_in(std::string_view content, std::string_view path) {
  const std::string_view digits = trimmed(content);
  std::int64_t value = -1;
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  const bool is_whole = problem == std::errc() && end == digits.data() + digits.size();
  GYRUS_CHECK(is_whole && value >= 0 && value <= kMaxNumber, Code::file_format, "the ISMRMRD header gives ",
              io::quoted(digits), " as ", path, ", a whole number up to ", kMaxNumber,
              " was expected; the file is damaged");
  return value;
}

// Walks through the elements and keeps the path to the present one, without namespace prefixes.
class XmlWalk {
 public:
  XmlWalk(std::string_view xml, WantedList& wanted) : xml_(xml), wanted_(wanted) {}

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
    throw Error(Code::file_format, text("the ISMRMRD header ", problem, " (character ", at_,
                                        "); the file is damaged: fetch or copy it again"));
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
    is_leaf_ = false;  // a number that is interrupted is not read
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
    if (path_.empty() && name != "ismrmrdHeader") fail(text("begins with ", io::quoted(name), ", not ismrmrdHeader"));
    if (path_.size() == 1 && name == "encoding") ++encodings_;
    if (body.back() == '/') {
      is_leaf_ = false;
      return;
    }
    if (path_.size() == kMaxDepth) fail(text("nests elements deeper than ", kMaxDepth));
    path_.push_back(name);
    is_leaf_ = true;
  }

  void close(std::string_view content) {
    const std::string_view name = name_of(tag_body());
    if (path_.empty() || path_.back() != name) fail(text("closes ", io::quoted(name), ", which is not open"));
    if (is_leaf_ && encodings_ == 1 && path_.size() > 2 && path_[1] == "encoding") keep(content);
    path_.pop_back();
    is_leaf_ = false;
  }

  void keep(std::string_view content) {
    std::string path;
    for (std::size_t level = 2; level < path_.size(); ++level) path += text(level == 2 ? "" : "/", path_[level]);
    for (Wanted& wanted : wanted_) {
      if (wanted.path != path) continue;
      if (wanted.value) fail(text("gives ", path, " twice"));
      wanted.value = number_in(content, path);
    }
  }

  std::string_view xml_;
  WantedList& wanted_;
  std::size_t at_ = 0;
  std::vector<std::string_view> path_;
  bool is_leaf_ = false;  // nothing but characters since the last opening tag
  int encodings_ = 0;
};

}  // namespace

IsmrmrdHeader parse_ismrmrd_header(std::string_view xml) {
  WantedList wanted{{{"encodedSpace/matrixSize/x", {}},
                     {"encodedSpace/matrixSize/y", {}},
                     {"encodedSpace/matrixSize/z", {}},
                     {"reconSpace/matrixSize/x", {}},
                     {"reconSpace/matrixSize/y", {}},
                     {"reconSpace/matrixSize/z", {}},
                     {"encodingLimits/kspace_encoding_step_1/center", {}},
                     {"encodingLimits/kspace_encoding_step_1/maximum", {}}}};
  XmlWalk(xml, wanted).run();
  for (const Wanted& each : wanted) {
    GYRUS_CHECK(each.value.has_value(), Code::file_format, "the ISMRMRD header has no encoding/", each.path,
                "; give a file with a complete header");
  }
  IsmrmrdHeader header;
  header.encoded = {*wanted[0].value, *wanted[1].value, *wanted[2].value};
  header.recon = {*wanted[3].value, *wanted[4].value, *wanted[5].value};
  header.center = *wanted[6].value;
  header.maximum = *wanted[7].value;
  header.padding_left = header.encoded.y / 2 - header.center;
  header.padding_right = header.padding_left + header.maximum + 1;
  return header;
}

}  // namespace gyrus::imaging
