#include "core/formats/file_bytes.h"

#include <fcntl.h>
#include <sys/mman.h>
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

FileBytes FileBytes::read(const std::filesystem::path& path) {
  const std::string name = path.string();
  // Without O_NONBLOCK, opening a pipe would wait for a writer.
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  WEFT_CHECK(file.value >= 0, "{}: cannot open: {}", name, std::strerror(errno));

  struct stat status = {};
  WEFT_CHECK(::fstat(file.value, &status) == 0, "{}: cannot read its size: {}", name, std::strerror(errno));
  WEFT_CHECK(!S_ISDIR(status.st_mode), "{}: cannot read: it is a folder", name);
  WEFT_CHECK(S_ISREG(status.st_mode), "{}: cannot read: it is not a regular file", name);
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size == 0) return {name, nullptr, {}};  // mmap refuses a length of 0

  // Pages of its own, which go back to the system at once when the file is no longer needed.
  void* address = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  WEFT_CHECK(address != MAP_FAILED, "{}: out of memory: the file has {} bytes", name, size);
  ::madvise(address, size, MADV_HUGEPAGE);  // a wish: a fault for each 4 KB costs as much as reading them
  std::shared_ptr<const void> owner(address, [size](const void* pages) { ::munmap(const_cast<void*>(pages), size); });
  auto* const bytes = static_cast<std::byte*>(address);
  for (std::size_t at = 0; at < size;) {
    const ssize_t count = ::read(file.value, bytes + at, size - at);
    if (count < 0 && errno == EINTR) continue;
    WEFT_CHECK(count >= 0, "{}: cannot read: {}", name, std::strerror(errno));
    WEFT_CHECK(count > 0, "{}: ended after {} of {} bytes; another program may be writing it", name, at, size);
    at += static_cast<std::size_t>(count);
  }
  return {name, std::move(owner), {bytes, size}};
}

FileBytes FileBytes::hold(std::string name, std::string content) {
  auto owner = std::make_shared<const std::string>(std::move(content));
  const std::span<const std::byte> bytes = std::as_bytes(std::span(owner->data(), owner->size()));
  return {std::move(name), std::move(owner), bytes};
}

}  // namespace weft
