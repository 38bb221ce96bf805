#include "data/read_file.h"

#include <fcntl.h>
#include <unistd.h>

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

void announce_read(const std::filesystem::path& path) noexcept {
  const int file = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);  // not even a pipe is waited for
  if (file < 0) return;
  ::posix_fadvise(file, 0, 0, POSIX_FADV_WILLNEED);
  ::close(file);
}

}  // namespace weft
