#include "core/profile.h"

#include "core/check.h"

namespace weft {
namespace {
thread_local Profile* current = nullptr;
}

Profile::Profile() {
  WEFT_CHECK(current == nullptr, "[profile] one profile at a time");
  current = this;
}

Profile::~Profile() { current = nullptr; }

Profile* Profile::active() { return current; }

ProfileScope::~ProfileScope() {
  if (profile_ == nullptr) return;
  entry_.ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start_).count();
  profile_->entries_.push_back(std::move(entry_));
}

}  // namespace weft
