// What Hdf5File and Hdf5Dataset hide, shared by the files that implement them.
#pragma once

#include <memory>
#include <string>

#include "io/hdf5/stored_array.h"
#include "io/hdf5_file.h"

namespace gyrus::io {

struct Hdf5Dataset::State {
  std::string where;
  hdf5::StoredArray array;
};

namespace hdf5 {

// Runs a call whose errors say what is wrong but not where: file and object are put before the message.
template <class Call>
auto located(const std::string& where, const Call& call) {
  try {
    return call();
  } catch (const Error& error) {
    // Errors of the operating system name the file already.
    if (error.code() == Code::file_io || error.code() == Code::internal) throw;
    throw error.with_context(where);
  }
}

}  // namespace hdf5
}  // namespace gyrus::io
