// Builds the bytes of small PyTorch files: pickles from readable parts, stored ZIP archives, and mistakes in either.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gyrus::tests {

// Pieces of a program, to be joined with +.
namespace pickle {
std::string text(std::string_view value);  // BINUNICODE
std::string number(std::int64_t value);    // LONG1 of eight bytes
std::string global(std::string_view module, std::string_view name);
std::string tuple(std::string_view items);  // MARK items TUPLE
std::string call(std::string_view callable, std::string_view arguments_tuple);
std::string storage(std::string_view type, std::string_view key, std::int64_t elements);  // BINPERSID of one
std::string tensor(std::string_view storage, std::int64_t offset, const std::vector<std::int64_t>& sizes,
                   const std::vector<std::int64_t>& strides);
std::string dict(std::string_view keys_and_values);  // EMPTY_DICT MARK … SETITEMS
std::string program(std::string_view value);         // PROTO 2 … STOP
}  // namespace pickle

struct ZipFile {
  std::string name, content;
  std::uint16_t method = 0, flags = 0;
};
struct ZipOptions {
  bool is_zip64 = false;  // sizes and offsets in the extra field, counts in the ZIP64 record
  bool has_descriptors = false;
};
std::string zip_image(const std::vector<ZipFile>& files, const ZipOptions& options = {});

// A PyTorch file of one state dict, given as a pickle's value; storages are "data/<key>".
std::string torch_image(std::string_view value, const std::vector<ZipFile>& storages, const ZipOptions& options = {});
// The bytes of f32 numbers.
std::string floats(const std::vector<float>& values);

}  // namespace gyrus::tests
