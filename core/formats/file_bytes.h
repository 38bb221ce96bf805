#pragma once
// A whole file as read-only bytes.
//
// It is read, not mapped: a mapped file that another program cuts short while it is in use kills this one (SIGBUS). So
// whatever becomes of a file once it is loaded, a run goes on with what it has. Reading costs a copy of what would be
// touched anyway, some milliseconds for a model.

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace weft {

class InputFile;

/// Copies share the bytes, which live as long as the last copy.
class FileBytes {
 public:
  /// Reads the file, once `look`, which may throw, has had a look at it. Throws Error where it can't be opened, is not
  /// a regular file, or gets shorter meanwhile.
  static FileBytes read(const std::filesystem::path& path, void (*look)(const InputFile& file) = nullptr);
  /// Holds `content` under a name for messages (tests, fuzzing).
  static FileBytes hold(std::string name, std::string content);

  /// The path as it was given, with which every message about the file begins.
  const std::string& name() const { return name_; }
  std::span<const std::byte> bytes() const { return bytes_; }
  std::size_t size() const { return bytes_.size(); }
  /// The bytes as characters.
  std::string_view text() const { return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()}; }

 private:
  FileBytes(std::string name, std::shared_ptr<const void> owner, std::span<const std::byte> bytes)
      : name_(std::move(name)), owner_(std::move(owner)), bytes_(bytes) {}
  std::string name_;
  std::shared_ptr<const void> owner_;
  std::span<const std::byte> bytes_;
};

}  // namespace weft
