// The form of PyTorch before 1.6: five pickles one after another (a magic number, the format's version, facts of the
// machine, the object, the keys of its storages), then of each storage its number of elements and its bytes.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "core/aligned_buffer.h"
#include "io/file.h"
#include "io/torch/pickle.h"

namespace gyrus::io::torch {

bool is_legacy_file(const InputFile& file);

class LegacyFile {
 public:
  // Throws Code::file_format.
  explicit LegacyFile(const InputFile& file);

  const Pickle& pickle() const { return pickle_; }  // the object
  struct Place {
    std::string_view key;
    std::int64_t offset = 0, bytes = 0;  // in the file
  };
  std::optional<Place> find(std::string_view key) const;

 private:
  void place_storages(const InputFile& file, const Pickle& keys, std::int64_t begin);

  AlignedBuffer bytes_;
  Pickle pickle_;
  std::vector<Place> places_;  // sorted by key
};

}  // namespace gyrus::io::torch
