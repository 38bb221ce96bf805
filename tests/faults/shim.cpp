// A library for LD_PRELOAD that makes a program's file operations fail. No part of weft: tools/trust/faults.sh loads it.
//
// It counts the operations that change files below one folder (open for writing, write, fsync, ftruncate, rename, unlink)
// and does something to the k-th:
//
//   FAULT_FOLDER=/dir   only files below this folder count, absolute
//   FAULT_AT=k          the first operation is 1; 0 or unset: none fails
//   FAULT_KIND=         eio      it fails with EIO; what comes after works again
//                       full     it and all later opens and writes fail with ENOSPC
//                       short    a write takes half of its bytes and says so; other operations work
//                       kill     SIGKILL before it
//                       torn     a write puts half of its bytes into the file, then SIGKILL; others as kill
//                       term     SIGTERM before it; the operation works
//   FAULT_TRACE=file    a line for each operation is appended: name, path
//
// Which file a descriptor belongs to is asked of /proc when it matters, so nothing has to be remembered here.

#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace {

enum class Effect { none, fail, shorten };

std::string_view setting(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

template <class Function>
Function next_of(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

ssize_t real_write(int file, const void* data, std::size_t bytes) {
  static const auto next = next_of<ssize_t (*)(int, const void*, std::size_t)>("write");
  return next(file, data, bytes);
}

int real_open(const char* path, int flags, mode_t mode) {
  static const auto next = next_of<int (*)(const char*, int, ...)>("open");
  return next(path, flags, mode);
}

bool is_below(std::string_view path) {
  const std::string_view folder = setting("FAULT_FOLDER");
  return !folder.empty() && path.starts_with(folder);
}

/// Relative paths are of the working directory.
std::string absolute(const char* path) {
  char folder[PATH_MAX];
  if (path[0] == '/' || ::getcwd(folder, sizeof folder) == nullptr) return path;
  return std::string(folder) + "/" + path;
}

std::string path_of(int file) {
  char path[PATH_MAX];
  const std::string link = "/proc/self/fd/" + std::to_string(file);
  const ssize_t length = ::readlink(link.c_str(), path, sizeof path);
  return length > 0 ? std::string(path, static_cast<std::size_t>(length)) : std::string();
}

void trace(const char* operation, const std::string& path) {
  const std::string name(setting("FAULT_TRACE"));
  if (name.empty()) return;
  const std::string line = std::string(operation) + " " + path + "\n";
  const int file = real_open(name.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  real_write(file, line.data(), line.size());
  ::close(file);
}

/// Counts an operation on `path` and tells what is to happen to it; errno is set where it is to fail. `takes_space`:
/// a full disk refuses it.
Effect strike(const char* operation, const std::string& path, bool takes_space) {
  static std::atomic<long> count{0};
  if (!is_below(path)) return Effect::none;
  trace(operation, path);
  static const long at = std::atol(std::string(setting("FAULT_AT")).c_str());
  const long number = ++count;
  const std::string_view kind = setting("FAULT_KIND");
  if (at == 0 || number < at) return Effect::none;
  if (kind == "full" && takes_space) {
    errno = ENOSPC;
    return Effect::fail;
  }
  if (number > at) return Effect::none;
  const bool is_write = std::string_view(operation) == "write";
  if (kind == "term") ::kill(::getpid(), SIGTERM);
  if (kind == "kill" || (kind == "torn" && !is_write)) ::kill(::getpid(), SIGKILL);
  if (is_write && (kind == "short" || kind == "torn")) return Effect::shorten;
  if (kind != "eio") return Effect::none;
  errno = EIO;
  return Effect::fail;
}

bool creates(int flags) { return (flags & (O_CREAT | O_TRUNC)) != 0 || (flags & O_ACCMODE) != O_RDONLY; }

bool creates(const char* mode) { return std::strpbrk(mode, "wa+") != nullptr; }

ssize_t write_at_most(int file, const void* data, std::size_t bytes) {
  const Effect effect = strike("write", path_of(file), true);
  if (effect == Effect::fail) return -1;
  if (effect == Effect::none) return real_write(file, data, bytes);
  const ssize_t written = real_write(file, data, (bytes + 1) / 2);
  if (setting("FAULT_KIND") == "torn") ::kill(::getpid(), SIGKILL);
  return written;
}

mode_t mode_in(int flags, va_list arguments) { return (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0; }

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_in(flags, arguments);
  va_end(arguments);
  if (creates(flags) && strike("open", absolute(path), true) == Effect::fail) return -1;
  return real_open(path, flags, mode);
}

int open64(const char* path, int flags, ...) __attribute__((alias("open")));  // files are 64-bit anyway

FILE* fopen(const char* path, const char* mode) {
  static const auto next = next_of<FILE* (*)(const char*, const char*)>("fopen");
  if (creates(mode) && strike("open", absolute(path), true) == Effect::fail) return nullptr;
  return next(path, mode);
}

FILE* fopen64(const char* path, const char* mode) __attribute__((alias("fopen")));

ssize_t write(int file, const void* data, std::size_t bytes) { return write_at_most(file, data, bytes); }

ssize_t writev(int file, const struct iovec* parts, int count) {
  ssize_t total = 0;
  for (int i = 0; i < count; ++i) {
    const ssize_t written = write_at_most(file, parts[i].iov_base, parts[i].iov_len);
    if (written < 0) return total > 0 ? total : -1;
    total += written;
    if (static_cast<std::size_t>(written) < parts[i].iov_len) break;
  }
  return total;
}

int fsync(int file) {
  static const auto next = next_of<int (*)(int)>("fsync");
  return strike("fsync", path_of(file), false) == Effect::fail ? -1 : next(file);
}

int ftruncate(int file, off_t length) noexcept {
  static const auto next = next_of<int (*)(int, off_t)>("ftruncate");
  return strike("ftruncate", path_of(file), true) == Effect::fail ? -1 : next(file, length);
}

int rename(const char* from, const char* to) noexcept {
  static const auto next = next_of<int (*)(const char*, const char*)>("rename");
  return strike("rename", absolute(to), false) == Effect::fail ? -1 : next(from, to);
}

int unlink(const char* path) noexcept {
  static const auto next = next_of<int (*)(const char*)>("unlink");
  return strike("unlink", absolute(path), false) == Effect::fail ? -1 : next(path);
}

}  // extern "C"
