// The tensors of a file that PyTorch saved (science.md F3): a ZIP archive of a pickle and raw storages, or, before 1.6,
// pickles followed by storages. The pickle is read and never run (torch/pickle.h): a file can at most be refused.
#pragma once

#include <span>
#include <string>

#include "io/tensor_file.h"

namespace gyrus::io {

// Whether the file begins as one of PyTorch's two forms does.
bool is_torch_file(const InputFile& file);

class TorchReader final : public TensorFile {
 public:
  // Checks the archive, the pickle, and that every tensor lies within its storage and every storage within the file.
  // Throws Code::file_not_found, Code::file_io, Code::file_format naming file, part and remedy.
  explicit TorchReader(InputFile opened);
  // The same over bytes in memory (fuzzing, tests); `label` stands for the path in messages.
  TorchReader(std::span<const std::byte> bytes, std::string label);
};

}  // namespace gyrus::io
