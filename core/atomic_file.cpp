#include "core/atomic_file.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <regex>

#include "core/check.h"

namespace weft {

namespace fs = std::filesystem;

namespace {
constexpr std::size_t buffer_bytes = std::size_t{1} << 20;  // a model has hundreds of small tensors
}  // namespace

AtomicFile::AtomicFile(fs::path target) : target_(std::move(target)) {
  // A rename over a device or a pipe would replace it by a file.
  std::error_code ignored;  // what can't even be looked at, open() will name
  const fs::file_status status = fs::status(target_, ignored);
  WEFT_CHECK(!fs::is_directory(status), "{}: cannot write: it is a folder", target_.string());
  WEFT_CHECK(!fs::exists(status) || fs::is_regular_file(status), "{}: cannot write: it is not a regular file",
             target_.string());
  // The process id keeps two programs that write to one folder out of each other's temporary files.
  temporary_ = target_;
  temporary_ += fmt::format(".{}.tmp", ::getpid());
  descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail_with_errno("create");
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::fail_with_errno(const char* action) {
  const int error = errno;
  std::error_code ignored;
  fail("{}: cannot {}: {}{}", target_.string(), action, std::strerror(error),
       fs::exists(target_, ignored) ? "; the file that was there is intact" : "");
}

void AtomicFile::write(const void* data, std::size_t bytes) {
  const char* position = static_cast<const char*>(data);
  if (buffer_.size() + bytes > buffer_bytes) {
    write_through(buffer_.data(), buffer_.size());
    buffer_.clear();
  }
  if (bytes < buffer_bytes) {
    buffer_.append(position, bytes);
  } else {
    write_through(position, bytes);
  }
}

void AtomicFile::write_through(const char* data, std::size_t bytes) {
  while (bytes > 0) {
    const ssize_t written = ::write(descriptor_, data, std::min<std::size_t>(bytes, std::size_t{1} << 30));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail_with_errno("write");
    data += written;
    bytes -= static_cast<std::size_t>(written);
  }
}

void AtomicFile::commit(Durability durability) {
  write_through(buffer_.data(), buffer_.size());
  buffer_.clear();
  const bool is_synced = durability == Durability::power_cut;
  if (is_synced && ::fsync(descriptor_) != 0) fail_with_errno("sync");
  const int closed = ::close(descriptor_);
  descriptor_ = -1;
  if (closed != 0) fail_with_errno("close");
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) fail_with_errno("rename");
  temporary_.clear();
  if (!is_synced) return;

  const fs::path folder = target_.has_parent_path() ? target_.parent_path() : fs::path(".");
  const int directory = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0 && errno == EACCES) return;  // a folder that may be written to and not be read
  const bool is_open = directory >= 0;
  // EINVAL: the file system has no such thing; everything else means that the new name may not outlive a power cut.
  const bool is_kept = is_open && (::fsync(directory) == 0 || errno == EINVAL);
  const int reason = errno;
  if (is_open) ::close(directory);
  WEFT_CHECK(is_kept, "{}: written, but cannot sync its folder: {}", target_.string(), std::strerror(reason));
}

void write_file(const fs::path& target, std::string_view content, Durability durability) {
  AtomicFile file(target);
  file.write(content.data(), content.size());
  file.commit(durability);
}

void remove_stale_temporaries(const fs::path& folder) {
  static const std::regex pattern(R"(.+\.([0-9]{1,9})\.tmp)");
  std::error_code ignored;
  for (fs::directory_iterator it(folder, ignored); it != fs::directory_iterator(); it.increment(ignored)) {
    const fs::directory_entry& entry = *it;
    std::smatch match;
    const std::string name = entry.path().filename().string();
    if (!std::regex_match(name, match, pattern) || !entry.is_regular_file(ignored)) continue;
    const bool is_alive = ::kill(std::stoi(match[1]), 0) == 0 || errno != ESRCH;
    if (!is_alive) fs::remove(entry.path(), ignored);
  }
}

}  // namespace weft
