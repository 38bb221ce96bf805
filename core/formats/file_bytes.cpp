#include "core/formats/file_bytes.h"

#include <sys/mman.h>

#include "core/check.h"
#include "core/formats/input_file.h"

namespace weft {

FileBytes FileBytes::read(const std::filesystem::path& path, void (*look)(const InputFile& file)) {
  InputFile file(path);
  const std::string& name = file.name();
  const std::size_t size = file.size();
  if (look != nullptr) look(file);
  if (size == 0) return {name, nullptr, {}};  // mmap refuses a length of 0

  // Pages of its own, which go back to the system at once when the file is no longer needed.
  void* pages = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  WEFT_CHECK(pages != MAP_FAILED, "{}: out of memory: the file has {} bytes", name, size);
  ::madvise(pages, size, MADV_HUGEPAGE);  // a wish: a fault for each 4 KB costs as much as reading them
  std::shared_ptr<const void> owner(pages, [size](const void* p) { ::munmap(const_cast<void*>(p), size); });
  file.read_all(pages);
  return {name, std::move(owner), {static_cast<const std::byte*>(pages), size}};
}

FileBytes FileBytes::hold(std::string name, std::string content) {
  auto owner = std::make_shared<const std::string>(std::move(content));
  const std::span<const std::byte> bytes = std::as_bytes(std::span(owner->data(), owner->size()));
  return {std::move(name), std::move(owner), bytes};
}

}  // namespace weft
