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

FileBytes FileBytes::map(const std::filesystem::path& path) {
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

  void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.value, 0);
  WEFT_CHECK(address != MAP_FAILED, "{}: cannot map {} bytes: {}", name, size, std::strerror(errno));
  std::shared_ptr<const void> owner(address, [size](const void* mapped) { ::munmap(const_cast<void*>(mapped), size); });
  return {name, std::move(owner), {static_cast<const std::byte*>(address), size}};
}

FileBytes FileBytes::hold(std::string name, std::string content) {
  auto owner = std::make_shared<const std::string>(std::move(content));
  const std::span<const std::byte> bytes = std::as_bytes(std::span(owner->data(), owner->size()));
  return {std::move(name), std::move(owner), bytes};
}

}  // namespace weft
