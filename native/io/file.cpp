#include "io/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace gyrus::io {
namespace {

constexpr int kTemporaryNames = 1000;        // tries, should crashed processes of the same pid have left theirs
constexpr std::size_t kMaxCall = 1U << 30U;  // bytes a read or write call: Linux stops short of 2 GiB by itself

std::string reason(int error_number) { return std::generic_category().message(error_number); }

// Repeats a system call that a signal interrupted.
template <class Call>
auto retried(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

void check_path(const std::string& path) {
  GYRUS_CHECK(!path.empty(), Code::invalid_argument, "the path of a file is empty: give its name");
  GYRUS_CHECK(path.find('\0') == std::string::npos, Code::invalid_argument,
              "the path of a file holds a NUL character: remove it");
}

bool is_missing_or_forbidden(int error_number) {
  return error_number == ENOENT || error_number == ENOTDIR || error_number == EACCES || error_number == EPERM ||
         error_number == ELOOP || error_number == ENAMETOOLONG || error_number == EROFS || error_number == EISDIR;
}

std::string_view what_else(mode_t mode) { return S_ISDIR(mode) ? "a folder" : "a device, pipe or socket"; }

// Renaming a finished file to the name of a device would put it in the device's place, for all other programs too.
void check_replaceable(const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0 || S_ISREG(status.st_mode) || S_ISLNK(status.st_mode)) return;
  throw Error(Code::file_io, text("cannot create ", path, ": there is ", what_else(status.st_mode),
                                  " of that name, which is not replaced; give the path of a file"));
}

void sync_folder_of(const std::string& path) {
  std::filesystem::path folder = std::filesystem::path(path).parent_path();
  if (folder.empty()) folder = ".";
  const UniqueFd fd(retried([&] { return ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
  if (!fd.is_open()) throw write_error("open the folder of", path, errno);
  // EINVAL: a file system that cannot sync folders; there is nothing more to be done then.
  if (retried([&] { return ::fsync(fd.get()); }) != 0 && errno != EINVAL) {
    throw write_error("sync the folder of", path, errno);
  }
}

}  // namespace

UniqueFd::~UniqueFd() {
  if (is_open()) ::close(fd_);
}

InputFile::InputFile(std::string path) : label_(std::move(path)) {
  check_path(label_);
  // O_NONBLOCK: opening a named pipe must not wait for a writer; it has no effect on regular files.
  fd_ = UniqueFd(retried([&] { return ::open(label_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK); }));
  if (!fd_.is_open()) {
    const int error_number = errno;
    throw Error(is_missing_or_forbidden(error_number) ? Code::file_not_found : Code::file_io,
                text("cannot open ", label_, ": ", reason(error_number), "; check the path and its permissions"));
  }
  struct stat status {};
  GYRUS_CHECK(::fstat(fd_.get(), &status) == 0, Code::file_io, "cannot examine ", label_, ": ", reason(errno));
  GYRUS_CHECK(S_ISREG(status.st_mode), Code::file_not_found, label_, " is ", what_else(status.st_mode),
              ", a regular file was expected; give the path of a file");
  size_ = status.st_size;
}

InputFile::InputFile(std::span<const std::byte> bytes, std::string label)
    : label_(std::move(label)), memory_(bytes), size_(static_cast<std::int64_t>(bytes.size())) {}

void InputFile::read_at(std::int64_t offset, std::span<std::byte> out) const {
  GYRUS_ASSERT(offset >= 0 && offset <= size_ && static_cast<std::int64_t>(out.size()) <= size_ - offset);
  if (out.empty()) return;
  if (!fd_.is_open()) {
    std::memcpy(out.data(), memory_.data() + offset, out.size());
    return;
  }
  for (std::size_t done = 0; done < out.size();) {
    const std::int64_t from = offset + static_cast<std::int64_t>(done);
    const std::size_t wanted = std::min(out.size() - done, kMaxCall);
    const ssize_t got = retried([&] { return ::pread(fd_.get(), out.data() + done, wanted, from); });
    GYRUS_CHECK(got >= 0, Code::file_io, "reading ", label_, " at byte ", from, " failed: ", reason(errno),
                "; check the disk or network share it lies on");
    GYRUS_CHECK(got > 0, Code::file_io, label_, " ends at byte ", from, " but had ", size_,
                " bytes when it was opened: another program changed it; do not overwrite a file in use");
    done += static_cast<std::size_t>(got);
  }
}

AtomicFile::AtomicFile(std::string path) : path_(std::move(path)) {
  check_path(path_);
  check_replaceable(path_);
  for (int attempt = 0; attempt < kTemporaryNames && !fd_.is_open(); ++attempt) {
    temporary_ = text(path_, ".tmp-", ::getpid(), "-", attempt);
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
    fd_ = UniqueFd(retried([&] { return ::open(temporary_.c_str(), flags, 0666); }));
    if (!fd_.is_open() && errno != EEXIST) throw write_error("create", path_, errno);
  }
  GYRUS_CHECK(fd_.is_open(), Code::file_io, "cannot create ", path_, ": the names ", path_, ".tmp-", ::getpid(),
              "-* are taken; remove these left-over files");
}

AtomicFile::~AtomicFile() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  for (std::size_t done = 0; done < bytes.size();) {
    const std::size_t wanted = std::min(bytes.size() - done, kMaxCall);
    const ssize_t put = retried([&] { return ::write(fd_.get(), bytes.data() + done, wanted); });
    if (put < 0) throw write_error("write", path_, errno);
    done += static_cast<std::size_t>(put);
  }
}

void AtomicFile::commit() {
  GYRUS_ASSERT(!temporary_.empty());
  if (retried([&] { return ::fsync(fd_.get()); }) != 0) throw write_error("sync", path_, errno);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) throw write_error("rename the finished file to", path_, errno);
  temporary_.clear();
  sync_folder_of(path_);
}

Error write_error(std::string_view doing, const std::string& path, int error_number) {
  const bool is_full = error_number == ENOSPC || error_number == EDQUOT;
  const std::string_view remedy = is_full                 ? "free some space or write to another disk"
                                  : error_number == EFBIG ? "raise the limit on file sizes (ulimit -f)"
                                  : is_missing_or_forbidden(error_number)
                                      ? "check that its folder exists and may be written to"
                                      : "check the disk or network share it lies on";
  const bool is_opening = doing == "create" && is_missing_or_forbidden(error_number);
  return Error(is_opening ? Code::file_not_found : Code::file_io,
               text("cannot ", doing, " ", path, ": ", reason(error_number), "; ", remedy));
}

}  // namespace gyrus::io
