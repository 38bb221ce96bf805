#pragma once
// Files appear whole or not at all. Bytes go to a temporary file in the same folder; commit() syncs
// it to the disk and renames it over the target, which POSIX makes atomic; then the folder is synced,
// so that the rename itself survives a power cut. A kill at any moment leaves the old file or the new.

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace weft {

/// Waiting for the disk takes milliseconds. Results that can be made again need not outlive a power cut, only a kill.
enum class Durability { power_cut, kill };

class AtomicFile {
 public:
  /// Opens a temporary file beside `target`. Throws Error with the reason where it can't.
  explicit AtomicFile(std::filesystem::path target);
  /// Without commit() the temporary file is removed and the target stays as it was.
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// Appends, small pieces by way of a buffer; throws Error (disk full, ...), perhaps only in a later call.
  void write(const void* data, std::size_t bytes);
  /// fsync, rename, fsync of the folder; without the syncs where only a kill must be survived. Throws Error; where the
  /// folder alone can't be synced, the new file is there and may be gone after a power cut.
  void commit(Durability durability = Durability::power_cut);

 private:
  [[noreturn]] void fail_with_errno(const char* action);
  void write_through(const char* data, std::size_t bytes);
  std::filesystem::path target_, temporary_;
  std::string buffer_;
  int descriptor_ = -1;
};

/// Writes the whole of `content` to `target` as above.
void write_file(const std::filesystem::path& target, std::string_view content,
                Durability durability = Durability::power_cut);

/// Removes from `folder` what writers that were killed have left: temporary files of processes that no longer live.
void remove_stale_temporaries(const std::filesystem::path& folder);

}  // namespace weft
