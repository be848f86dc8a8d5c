// SPDX-License-Identifier: Apache-2.0
// read_file and write_file_atomically: whole files through POSIX calls.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>  // rename
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>

#include "graph/reader.h"
#include "graph/writer.h"

namespace dotori::graph {
namespace {

// Linux moves at most 2^31 - 4096 bytes a call.
constexpr std::size_t kMaxTransfer = std::size_t{1} << 30;

// strerror_r has two forms, one returns a number and fills the buffer, one returns the text.
[[maybe_unused]] std::string error_text(int, const char* buffer) {
  return buffer;
}
[[maybe_unused]] std::string error_text(const char* text, const char*) {
  return text;
}
std::string error_text(int error) {
  char buffer[256] = "unknown error";
  return error_text(strerror_r(error, buffer, sizeof buffer), buffer);
}

class FileDescriptor {
 public:
  FileDescriptor(const char* path, int flags, mode_t mode = 0) {
    do {
      fd_ = open(path, flags | O_CLOEXEC, mode);
    } while (fd_ < 0 && errno == EINTR);
  }
  ~FileDescriptor() { (void)close_now(); }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;

  bool valid() const { return fd_ >= 0; }
  int get() const { return fd_; }
  // False when close() fails; not repeated after EINTR, because Linux has freed the number by then.
  bool close_now() {
    const int fd = fd_;
    fd_ = -1;
    return fd < 0 || close(fd) == 0 || errno == EINTR;
  }

 private:
  int fd_ = -1;
};

// Reads until `size_bytes` or the end; the number of bytes read, or -1 with errno.
std::int64_t read_fully(int fd, unsigned char* out, std::size_t size_bytes) {
  std::size_t done = 0;
  while (done < size_bytes) {
    const std::size_t left = size_bytes - done;
    const ssize_t n = read(fd, out + done, left < kMaxTransfer ? left : kMaxTransfer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return -1;
    if (n == 0) break;
    done += static_cast<std::size_t>(n);
  }
  return static_cast<std::int64_t>(done);
}

bool write_fully(int fd, const unsigned char* bytes, std::size_t size_bytes) {
  std::size_t done = 0;
  while (done < size_bytes) {
    const std::size_t left = size_bytes - done;
    const ssize_t n = write(fd, bytes + done, left < kMaxTransfer ? left : kMaxTransfer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    done += static_cast<std::size_t>(n);
  }
  return true;
}

bool sync_to_disk(int fd) {
  int result;
  do {
    result = fsync(fd);
  } while (result != 0 && errno == EINTR);
  return result == 0;
}

const char* kind_of(mode_t mode) {
  return S_ISDIR(mode) ? "it is a folder" : "it is not a regular file";
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// The steps before the rename. An error message, or "" on success.
std::string write_temporary(const std::string& path, Span<const unsigned char> bytes, bool* created) {
  FileDescriptor file(path.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0666);
  if (!file.valid()) return "cannot create " + path + ": " + error_text(errno);
  *created = true;
  if (!write_fully(file.get(), bytes.data(), bytes.size())) return "cannot write: " + error_text(errno);
  if (!sync_to_disk(file.get())) return "cannot write to the disk: " + error_text(errno);
  if (!file.close_now()) return "cannot close: " + error_text(errno);
  return {};
}

}  // namespace

Result<Constant> read_file(const std::string& path, std::size_t max_bytes) {
  // Without O_NONBLOCK, open() would wait for a writer when the path is a pipe.
  const FileDescriptor file(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!file.valid()) {
    const int error = errno;
    const std::string message = path + ": " + error_text(error);
    return error == ENOENT || error == ENOTDIR ? not_found(message) : io_error(message);
  }
  struct stat info;
  if (fstat(file.get(), &info) != 0) return io_error(path + ": " + error_text(errno));
  if (!S_ISREG(info.st_mode)) return io_error(path + ": " + kind_of(info.st_mode));
  if (info.st_size <= 0) return corrupt_model(path + ": the file is empty");
  const std::uint64_t size = static_cast<std::uint64_t>(info.st_size);
  if (size > max_bytes) {
    return invalid_argument(path + ": the file has " + std::to_string(size) + " bytes, at most " +
                            std::to_string(max_bytes) + " are read");
  }
  void* memory = nullptr;
  Constant block = allocate_constant(static_cast<std::size_t>(size), &memory);
  if (memory == nullptr) return out_of_memory(path + ": no memory for " + std::to_string(size) + " bytes");
  const std::int64_t count =
      read_fully(file.get(), static_cast<unsigned char*>(memory), static_cast<std::size_t>(size));
  if (count < 0) return io_error(path + ": cannot read: " + error_text(errno));
  unsigned char more;
  if (static_cast<std::uint64_t>(count) != size || read_fully(file.get(), &more, 1) != 0) {
    return io_error(path + ": the file changed while it was being read");
  }
  return block;
}

Status write_file_atomically(const std::string& path, Span<const unsigned char> bytes) {
  struct stat info;
  if (stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode)) {
    return io_error(path + ": cannot be written, " + kind_of(info.st_mode));
  }
  const std::string temporary = path + ".tmp." + std::to_string(getpid());
  bool created = false;
  std::string error = write_temporary(temporary, bytes, &created);
  if (error.empty() && rename(temporary.c_str(), path.c_str()) != 0) error = "cannot rename: " + error_text(errno);
  if (!error.empty()) {
    if (created) unlink(temporary.c_str());
    return io_error(path + ": " + error);
  }
  // The new name itself must reach the disk. A folder that cannot be opened or synced (some file systems) is no
  // failure: the file is complete under its name.
  const FileDescriptor folder(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY);
  if (folder.valid() && !sync_to_disk(folder.get()) && errno == EIO) {
    return io_error(path + ": written, but its folder cannot be synced: " + error_text(EIO));
  }
  return {};
}

}  // namespace dotori::graph
