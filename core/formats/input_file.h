#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

namespace weft {

/// A regular file, opened to be read whole. Throws Error "path: what is wrong": missing, a folder, a pipe or device.
class InputFile {
 public:
  explicit InputFile(const std::filesystem::path& path);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  /// The path as it was given.
  const std::string& name() const { return name_; }
  /// Bytes at the time of opening.
  std::size_t size() const { return size_; }
  /// The first bytes, as many as there are of them, before read_all(). Throws Error where they can't be read.
  std::string head(std::size_t bytes) const;
  /// Copies size() bytes to `to`; once. Throws Error where they can't be read or have become fewer.
  void read_all(void* to);

 private:
  const std::string name_;
  int descriptor_ = -1;
  std::size_t size_ = 0;
};

}  // namespace weft
