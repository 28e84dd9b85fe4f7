// Files as the parsers and writers of this room use them: random reads that survive a file changing under them, and
// writes that leave either the old file or the whole new one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "core/error.h"

namespace gyrus::io {

// Owns a POSIX file descriptor.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~UniqueFd();
  int get() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// Read-only bytes at any offset: a regular file, or bytes in memory that outlive this object. Files are read with pread
// and never mapped: touching a mapping of a file that another process truncates kills this process with SIGBUS, while
// pread says that it fell short. Reading is thread-safe.
class InputFile {
 public:
  // Throws Code::file_not_found when there is no regular file that can be opened, Code::file_io.
  explicit InputFile(std::string path);
  InputFile(std::span<const std::byte> bytes, std::string label);

  std::int64_t size() const { return size_; }  // bytes, when it was opened
  const std::string& label() const { return label_; }
  // Fills `out` from `offset`. The range must lie within size(); Code::file_io when the file became shorter.
  void read_at(std::int64_t offset, std::span<std::byte> out) const;

 private:
  std::string label_;
  UniqueFd fd_;  // not open: memory_ holds the bytes
  std::span<const std::byte> memory_;
  std::int64_t size_ = 0;
};

// A file that appears under its name only when it is complete: written beside it as `<path>.tmp-<pid>-<n>`, fsynced,
// renamed, and the folder fsynced too. Without commit() the destructor removes it and `path` is untouched.
class AtomicFile {
 public:
  // Throws Code::file_not_found when the folder is missing or forbids writing, Code::file_io.
  explicit AtomicFile(std::string path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  // Appends. Throws Code::file_io with a remedy (disk full, quota, size limit).
  void write(std::span<const std::byte> bytes);
  void commit();

 private:
  std::string path_, temporary_;
  UniqueFd fd_;
};

// The error for an errno met while writing `path`; `doing` is "write", "rename" ... Names the remedy.
Error write_error(std::string_view doing, const std::string& path, int error_number);

}  // namespace gyrus::io
