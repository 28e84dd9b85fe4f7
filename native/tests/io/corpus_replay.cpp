// Replays what fuzzing has found worth keeping, through the fuzzers' own entry functions. Names say what is expected:
// good_* must be accepted, bad_* refused, found_* either (they come from fuzzing and guard against crashes).
#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "fuzz/inflate_target.h"
#include "fuzz/scan_targets.h"
#include "fuzz/targets.h"
#include "fuzz/volume_targets.h"
#include "tests/harness/suites.h"
#include "tests/io/scratch.h"

namespace gyrus::tests::suites {
namespace {

using fuzz::Verdict;

// Beside this source file, whose path the compiler knows.
std::filesystem::path corpus_folder(std::string_view parser) {
  return std::filesystem::path(__FILE__).parent_path() / ".." / ".." / "fuzz" / "corpus" / parser;
}

std::vector<std::filesystem::path> files_of(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

void replay(Suite& suite, const std::string& parser, Verdict (*run)(std::span<const std::byte>)) {
  suite.test(parser, [parser, run](Check& check) {
    int accepted = 0, refused = 0;
    for (const std::filesystem::path& path : files_of(corpus_folder(parser))) {
      const std::string name = path.filename().string(), bytes = read_bytes(path.string());
      // Exactly as many bytes as the file has, so that AddressSanitizer sees a read beyond them.
      const std::vector<char> exact(bytes.begin(), bytes.end());
      const bool is_accepted = run(std::as_bytes(std::span(exact))) == Verdict::accepted;
      ++(is_accepted ? accepted : refused);
      check.that(!name.starts_with("good_") || is_accepted, name, " was refused");
      check.that(!name.starts_with("bad_") || !is_accepted, name, " was accepted");
      check.that(bytes.size() <= 4096, name, " has ", bytes.size(), " bytes: keep the corpus small");
    }
    check.that(accepted >= 5 && refused >= 5, "replayed ", accepted, " accepted and ", refused, " refused files only");
  });
}

}  // namespace

void io_corpus_replay(Suite& suite) {
  replay(suite, "safetensors", fuzz::run_safetensors);
  replay(suite, "torch_file", fuzz::run_torch_file);
  replay(suite, "npy", fuzz::run_npy);
  replay(suite, "hdf5", fuzz::run_hdf5);
  replay(suite, "ismrmrd", fuzz::run_ismrmrd);
  replay(suite, "gzip", fuzz::run_gzip);
  replay(suite, "inflate", fuzz::run_inflate);
  replay(suite, "nifti", fuzz::run_nifti);
}

}  // namespace gyrus::tests::suites
