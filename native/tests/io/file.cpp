// Files: what cannot be opened, files that shrink while read, and writes that fail or are killed half-way.
#include "io/file.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <vector>

#include "tests/harness/suites.h"
#include "tests/io/scratch.h"

namespace gyrus::tests::suites {
namespace {

void save(const std::string& path, std::string_view bytes) {
  io::AtomicFile file(path);
  file.write(bytes_of(bytes));
  file.commit();
}

// While it lives, this process can write no file beyond `bytes`: write() gives EFBIG as it gives ENOSPC on a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    ::sigaction(SIGXFSZ, &ignore, &action_);
    ::getrlimit(RLIMIT_FSIZE, &limit_);
    const rlimit lower{bytes, limit_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &lower);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &limit_);
    ::sigaction(SIGXFSZ, &action_, nullptr);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  struct sigaction action_ {};
  rlimit limit_{};
};

void test_opening(Suite& suite) {
  suite.test("what is no readable file is named with a remedy", [](Check& check) {
    const ScratchFolder folder;
    const auto message = [&](const std::string& path) {
      return check.throws(Code::file_not_found, path, [&] { const io::InputFile file(path); });
    };
    check.that(contains(message(folder.path("none")), "none: No such file or directory; check the path"), "missing");
    check.that(contains(message(folder.path("")), "is a folder"), "a folder");
    check.equal(::mkfifo(folder.path("pipe").c_str(), 0600), 0, "mkfifo");
    check.that(contains(message(folder.path("pipe")), "a device, pipe or socket"), "a pipe, without waiting for it");
    std::filesystem::create_symlink("loop", folder.path("loop"));
    message(folder.path("loop"));
    message(folder.path("pipe/below"));
    check.throws(Code::invalid_argument, "empty", [] { const io::InputFile file(""); });
    check.throws(Code::invalid_argument, "NUL", [] { const io::InputFile file(std::string("a\0b", 3)); });
  });
  suite.test("reading at offsets", [](Check& check) {
    const ScratchFolder folder;
    write_bytes(folder.path("f"), "0123456789");
    const io::InputFile disk(folder.path("f")), memory(bytes_of("0123456789"), "memory");
    for (const io::InputFile* file : {&disk, &memory}) {
      check.equal(file->size(), 10, "size");
      std::string out(3, ' ');
      file->read_at(7, std::as_writable_bytes(std::span(out)));
      check.equal(out, "789", "the last three");
      file->read_at(10, {});
      check.throws(Code::internal, "beyond the end", [&] { file->read_at(8, std::as_writable_bytes(std::span(out))); });
      check.throws(Code::internal, "before the start",
                   [&] { file->read_at(-1, std::as_writable_bytes(std::span(out))); });
    }
  });
  suite.test("a file truncated while open is an error, not a crash", [](Check& check) {
    const ScratchFolder folder;
    write_bytes(folder.path("f"), std::string(100'000, 'a'));
    const io::InputFile file(folder.path("f"));
    check.equal(::truncate(folder.path("f").c_str(), 5000), 0, "truncate");
    std::vector<std::byte> out(100'000);
    const std::string message = check.throws(Code::file_io, "a shorter file", [&] { file.read_at(0, out); });
    check.that(contains(message, "ends at byte 5000 but had 100000 bytes"), message);
  });
}

void test_places(Suite& suite) {
  suite.test("places that cannot be written to", [](Check& check) {
    const ScratchFolder folder;
    const std::string message =
        check.throws(Code::file_not_found, "no such folder", [&] { save(folder.path("none/f"), "x"); });
    check.that(contains(message, "cannot create") && contains(message, "check that its folder exists"), message);
    std::filesystem::create_directory(folder.path("folder"));
    check.equal(::mkfifo(folder.path("pipe").c_str(), 0600), 0, "mkfifo");
    const auto refused = [&](const std::string& name) {
      return check.throws(Code::file_io, name, [&] { save(folder.path(name), "x"); });
    };
    check.that(contains(refused("folder"), "folder: there is a folder of that name"), "a folder of that name");
    check.that(contains(refused("pipe"), "pipe: there is a device, pipe or socket of that name"), "a pipe");
    check.that(std::filesystem::is_fifo(folder.path("pipe")), "the pipe is still there");
    check.equal(folder.entries(), 2U, "nothing else was made");
  });
}

void test_writing(Suite& suite) {
  suite.test("a commit replaces the file, its absence leaves all as it was", [](Check& check) {
    const ScratchFolder folder;
    const std::string path = folder.path("f");
    save(path, "old");
    {
      io::AtomicFile file(path);
      file.write(bytes_of("half of the new"));
      check.equal(folder.entries(), 2U, "the temporary file lies beside it");
    }
    check.equal(read_bytes(path), "old", "not committed");
    check.equal(folder.entries(), 1U, "the temporary file is gone");
    save(path, "new");
    check.equal(read_bytes(path), "new", "committed");
    check.equal(folder.entries(), 1U, "nothing else is left");
  });
  suite.test("temporary files of others are left alone", [](Check& check) {
    const ScratchFolder folder;
    const std::string taken = folder.path("f") + ".tmp-" + std::to_string(::getpid()) + "-0";
    write_bytes(taken, "another thread's");
    save(folder.path("f"), "mine");
    check.equal(read_bytes(taken), "another thread's", "the taken name");
    check.equal(read_bytes(folder.path("f")), "mine", "the file");
  });
  suite.test("a write that fails half-way keeps the old file and removes its own", [](Check& check) {
    const ScratchFolder folder;
    save(folder.path("f"), "old");
    std::string message;
    {
      const FileSizeLimit limit(10'000);
      message =
          check.throws(Code::file_io, "beyond the limit", [&] { save(folder.path("f"), std::string(50'000, 'x')); });
    }
    check.that(contains(message, "cannot write") && contains(message, "ulimit -f"), message);
    check.equal(read_bytes(folder.path("f")), "old", "the old file");
    check.equal(folder.entries(), 1U, "the temporary file is gone");
  });
  suite.test("a full disk and a spent quota name the remedy", [](Check& check) {
    for (const int error_number : {ENOSPC, EDQUOT}) {
      const Error error = io::write_error("write", "run/w.safetensors", error_number);
      check.that(error.code() == Code::file_io && contains(error.message(), "run/w.safetensors") &&
                     contains(error.message(), "free some space or write to another disk"),
                 error.message());
    }
    check.that(io::write_error("create", "f", ENOSPC).code() == Code::file_io, "creating on a full disk is file_io");
  });
}

// A child that saves two contents in turn until it is killed.
pid_t start_saving(const std::string& path, std::string_view first, std::string_view second) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  try {
    while (true) {
      save(path, first);
      save(path, second);
    }
  } catch (...) {
    ::_exit(1);
  }
}

void test_killing(Suite& suite) {
  suite.test("kill -9 at any moment of a save leaves one whole version", [](Check& check) {
    const ScratchFolder folder;
    const std::string first(300'000, 'a'), second(500'000, 'b');
    save(folder.path("f"), first);
    for (int round = 0; round < 12; ++round) {
      const pid_t child = start_saving(folder.path("f"), first, second);
      if (!check.that(child > 0, "fork failed")) return;
      ::usleep(static_cast<useconds_t>(500 + 1700 * round));
      ::kill(child, SIGKILL);
      int status = 0;
      ::waitpid(child, &status, 0);
      check.that(WIFSIGNALED(status), "the child ended by itself: a save failed");
      const std::string found = read_bytes(folder.path("f"));
      check.that(found == first || found == second, "round ", round, " left ", found.size(), " bytes of a mixture");
    }
  });
}

}  // namespace

void io_file(Suite& suite) {
  test_opening(suite);
  test_places(suite);
  test_writing(suite);
  test_killing(suite);
}

}  // namespace gyrus::tests::suites
