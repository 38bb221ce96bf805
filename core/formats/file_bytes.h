#pragma once
// A whole file as read-only bytes. Mapping costs no copy: a page is read when it is first touched.
//
// A mapped file that another program cuts short while it is in use kills this one (SIGBUS); weft itself
// never writes to a file in place (core/atomic_file.h renames), so replacing a model that is in use is safe.

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace weft {

/// Copies share the bytes, which live as long as the last copy.
class FileBytes {
 public:
  /// Maps the file. Throws Error where it can't be opened or is not a regular file.
  static FileBytes map(const std::filesystem::path& path);
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
