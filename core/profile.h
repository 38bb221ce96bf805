#pragma once
// Where the time goes: while a profile is being taken, each operation that opens a ProfileScope leaves an
// entry with its shapes, its multiply-adds and the time it took. Otherwise a scope costs one comparison.

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace weft {

struct ProfileEntry {
  std::string op;          // "conv2d"
  std::string shapes;      // "[1, 512, 512, 32] -> [1, 512, 512, 16], 3x3"
  std::string algorithm;   // which kernel ran, where there is a choice
  std::int64_t macs = 0;   // multiply-adds
  std::int64_t bytes = 0;  // inputs read once and outputs written once: the least that memory must move
  double ms = 0;
};

/// Takes a profile of this thread's operations for as long as it lives. One at a time.
class Profile {
 public:
  Profile();
  ~Profile();
  Profile(const Profile&) = delete;
  Profile& operator=(const Profile&) = delete;

  /// In order of execution.
  const std::vector<ProfileEntry>& entries() const { return entries_; }
  static Profile* active();

 private:
  friend class ProfileScope;
  std::vector<ProfileEntry> entries_;
};

/// Times the block that it stands in.
class ProfileScope {
 public:
  /// `describe(entry)` fills in op, shapes, algorithm, macs and bytes; it is called only while a profile is taken.
  template <class Describe>
  explicit ProfileScope(Describe&& describe) : profile_(Profile::active()) {
    if (profile_ == nullptr) return;
    describe(entry_);
    start_ = std::chrono::steady_clock::now();
  }
  ~ProfileScope();
  ProfileScope(const ProfileScope&) = delete;
  ProfileScope& operator=(const ProfileScope&) = delete;

 private:
  Profile* profile_;
  ProfileEntry entry_;
  std::chrono::steady_clock::time_point start_;
};

}  // namespace weft
