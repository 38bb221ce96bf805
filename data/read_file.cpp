#include "data/read_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/check.h"

namespace weft {

namespace {
struct Descriptor {
  int value;
  ~Descriptor() {
    if (value >= 0) ::close(value);
  }
};
}  // namespace

std::vector<std::uint8_t> read_file(const std::filesystem::path& path, std::size_t max_bytes) {
  const std::string name = path.string();
  // Without O_NONBLOCK, opening a pipe would wait for a writer.
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  WEFT_CHECK(file.value >= 0, "{}: cannot open: {}", name, std::strerror(errno));
  struct stat status = {};
  WEFT_CHECK(::fstat(file.value, &status) == 0, "{}: cannot read: {}", name, std::strerror(errno));
  WEFT_CHECK(!S_ISDIR(status.st_mode), "{}: cannot read: it is a folder", name);
  WEFT_CHECK(S_ISREG(status.st_mode), "{}: cannot read: it is not a regular file", name);
  const auto size = static_cast<std::size_t>(status.st_size);
  WEFT_CHECK(size <= max_bytes, "{}: has {} bytes, the limit is {}", name, size, max_bytes);

  std::vector<std::uint8_t> bytes(size);
  for (std::size_t at = 0; at < size;) {
    const ssize_t count = ::read(file.value, bytes.data() + at, size - at);
    if (count < 0 && errno == EINTR) continue;
    WEFT_CHECK(count >= 0, "{}: cannot read: {}", name, std::strerror(errno));
    WEFT_CHECK(count > 0, "{}: ended after {} of {} bytes; another program may be writing it", name, at, size);
    at += static_cast<std::size_t>(count);
  }
  return bytes;
}

}  // namespace weft
