#pragma once

#include <filesystem>

namespace weft {

/// Holds a run's folder against a second training into it, through flock on FOLDER/.lock: the kernel lets go of it
/// when the process ends, however it ends, so a dead run keeps nobody out.
class RunLock {
 public:
  /// Throws Error where another process holds the folder, or the lock file can't be made.
  explicit RunLock(const std::filesystem::path& folder);
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

 private:
  int descriptor_ = -1;
};

}  // namespace weft
