#include "core/formats/input_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/check.h"

namespace weft {
namespace {

std::size_t size_of_regular_file(int descriptor, const std::string& name) {
  struct stat status = {};
  WEFT_CHECK(::fstat(descriptor, &status) == 0, "{}: cannot read its size: {}", name, std::strerror(errno));
  WEFT_CHECK(!S_ISDIR(status.st_mode), "{}: cannot read: it is a folder", name);
  WEFT_CHECK(S_ISREG(status.st_mode), "{}: cannot read: it is not a regular file", name);
  return static_cast<std::size_t>(status.st_size);
}

}  // namespace

// Without O_NONBLOCK, opening a pipe would wait for a writer.
InputFile::InputFile(const std::filesystem::path& path)
    : name_(path.string()), descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
  WEFT_CHECK(descriptor_ >= 0, "{}: cannot open: {}", name_, std::strerror(errno));
  try {
    size_ = size_of_regular_file(descriptor_, name_);
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
}

InputFile::~InputFile() { ::close(descriptor_); }

std::string InputFile::head(std::size_t bytes) const {
  std::string text(std::min(bytes, size_), '\0');
  for (std::size_t at = 0; at < text.size();) {
    const ssize_t count = ::pread(descriptor_, text.data() + at, text.size() - at, static_cast<off_t>(at));
    if (count < 0 && errno == EINTR) continue;
    WEFT_CHECK(count >= 0, "{}: cannot read: {}", name_, std::strerror(errno));
    if (count == 0) text.resize(at);  // shortened meanwhile: read_all() says so
    at += static_cast<std::size_t>(count);
  }
  return text;
}

void InputFile::read_all(void* to) {
  for (std::size_t at = 0; at < size_;) {
    const ssize_t count = ::read(descriptor_, static_cast<std::byte*>(to) + at, size_ - at);
    if (count < 0 && errno == EINTR) continue;
    WEFT_CHECK(count >= 0, "{}: cannot read: {}", name_, std::strerror(errno));
    WEFT_CHECK(count > 0, "{}: ended after {} of {} bytes; another program may be writing it", name_, at, size_);
    at += static_cast<std::size_t>(count);
  }
}

}  // namespace weft
