#include "train/run_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/check.h"

namespace weft {

RunLock::RunLock(const std::filesystem::path& folder) {
  const auto path = folder / ".lock";
  descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  WEFT_CHECK(descriptor_ >= 0, "{}: cannot create: {}", path.string(), std::strerror(errno));
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0) return;
  const int error = errno;
  ::close(descriptor_);
  WEFT_CHECK(error != EWOULDBLOCK, "{}: another training is writing to this folder; wait for it or choose another",
             folder.string());
  fail("{}: cannot lock: {}", path.string(), std::strerror(error));
}

RunLock::~RunLock() { ::close(descriptor_); }

}  // namespace weft
