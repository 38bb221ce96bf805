#include "data/read_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/check.h"
#include "core/formats/input_file.h"

namespace weft {

std::vector<std::uint8_t> read_file(const std::filesystem::path& path, std::size_t max_bytes) {
  InputFile file(path);
  WEFT_CHECK(file.size() <= max_bytes, "{}: has {} bytes, the limit is {}", file.name(), file.size(), max_bytes);
  std::vector<std::uint8_t> bytes(file.size());
  file.read_all(bytes.data());
  return bytes;
}

std::vector<std::uint8_t> read_stream(int descriptor, const std::string& name, std::size_t max_bytes) {
  constexpr std::size_t at_once = 1 << 16;
  std::vector<std::uint8_t> bytes;
  while (true) {
    const std::size_t before = bytes.size();
    bytes.resize(before + at_once);
    const ssize_t count = ::read(descriptor, bytes.data() + before, at_once);
    bytes.resize(before + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    if (count < 0 && errno == EINTR) continue;
    WEFT_CHECK(count >= 0, "{}: cannot read: {}", name, std::strerror(errno));
    if (count == 0) return bytes;
    WEFT_CHECK(bytes.size() <= max_bytes, "{}: has more than {} bytes", name, max_bytes);
  }
}

void announce_read(const std::filesystem::path& path) noexcept {
  const int file = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);  // not even a pipe is waited for
  if (file < 0) return;
  ::posix_fadvise(file, 0, 0, POSIX_FADV_WILLNEED);
  ::close(file);
}

}  // namespace weft
