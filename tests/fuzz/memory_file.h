#pragma once
// A file in memory with a path, for readers that open their file themselves.

#include <sys/mman.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "core/check.h"

namespace weft::fuzz {

class MemoryFile {
 public:
  explicit MemoryFile(std::string_view content = {}) : file_(memfd_create("f", MFD_CLOEXEC)) {
    WEFT_CHECK(file_ >= 0 && write(file_, content.data(), content.size()) == static_cast<ssize_t>(content.size()),
               "[fuzz] no file in memory");
  }
  ~MemoryFile() { close(file_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  std::filesystem::path path() const { return "/proc/self/fd/" + std::to_string(file_); }

 private:
  int file_;
};

}  // namespace weft::fuzz
