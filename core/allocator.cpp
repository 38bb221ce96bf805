#include "core/allocator.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "core/check.h"

namespace weft {
namespace {

constexpr std::size_t small_granule = 64;             // also the alignment that vector loads want
constexpr std::size_t large_granule = 64 * 1024;
constexpr std::size_t huge_page = std::size_t{2} << 20;

std::size_t rounded(std::size_t bytes) {
  const std::size_t granule = bytes < (std::size_t{1} << 20) ? small_granule : large_granule;
  WEFT_CHECK(bytes < SIZE_MAX - granule, "out of memory: {} bytes wanted", bytes);
  return bytes == 0 ? granule : (bytes + granule - 1) / granule * granule;
}

void* system_allocate(std::size_t bytes) {
  if (bytes < 2 * huge_page) return std::aligned_alloc(small_granule, bytes);
  void* block = std::aligned_alloc(huge_page, (bytes + huge_page - 1) / huge_page * huge_page);
  if (block != nullptr) ::madvise(block, bytes, MADV_HUGEPAGE);  // a wish; nothing depends on it
  return block;
}

class Cache {
 public:
  void* allocate(std::size_t wanted) {
    const std::size_t bytes = rounded(wanted);
    const std::lock_guard lock(guard_);
    void* block = take_cached(bytes);
    if (block == nullptr) block = take_fresh(bytes);
    live_ += sizes_.at(block);
    if (live_ > peak_) peak_ = live_;
    return block;
  }

  void release(void* block) {
    const std::lock_guard lock(guard_);
    const std::size_t bytes = sizes_.at(block);
    live_ -= bytes;
    cached_ += bytes;
    free_[bytes].push_back(block);
  }

  void trim() {
    const std::lock_guard lock(guard_);
    trim_locked();
  }

  MemoryUse use() {
    const std::lock_guard lock(guard_);
    return {live_, peak_, cached_};
  }

  void reset_peak() {
    const std::lock_guard lock(guard_);
    peak_ = live_;
  }

 private:
  /// The smallest cached block that fits and wastes at most a quarter; null where there is none.
  void* take_cached(std::size_t bytes) {
    const auto found = free_.lower_bound(bytes);
    if (found == free_.end() || found->first > bytes + bytes / 4) return nullptr;
    void* block = found->second.back();
    found->second.pop_back();
    cached_ -= found->first;
    if (found->second.empty()) free_.erase(found);
    return block;
  }

  void* take_fresh(std::size_t bytes) {
    // Blocks of sizes that are no longer asked for (another batch, another picture size) would pile up.
    if (live_ + cached_ + bytes > std::max(peak_, live_ + bytes) / 4 * 5) trim_locked();
    void* block = system_allocate(bytes);
    if (block == nullptr) {
      trim_locked();
      block = system_allocate(bytes);
    }
    WEFT_CHECK(block != nullptr, "out of memory: {} MB wanted, {} MB in use; a smaller --size or --batch needs less",
               bytes >> 20, live_ >> 20);
    sizes_.emplace(block, bytes);
    return block;
  }

  void trim_locked() {
    for (auto& [bytes, blocks] : free_) {
      for (void* block : blocks) {
        sizes_.erase(block);
        std::free(block);
      }
    }
    free_.clear();
    cached_ = 0;
  }

  std::mutex guard_;
  std::map<std::size_t, std::vector<void*>> free_;     // cached blocks by size
  std::unordered_map<void*, std::size_t> sizes_;       // every block, cached or handed out
  std::size_t live_ = 0, peak_ = 0, cached_ = 0;
};

// Never destroyed: tensors in static objects may be freed after main() returned.
Cache& cache() {
  static Cache& instance = *new Cache;
  return instance;
}

}  // namespace

void* cached_allocate(std::size_t bytes) { return cache().allocate(bytes); }
void cached_free(void* block) noexcept {
  if (block != nullptr) cache().release(block);
}
MemoryUse memory_use() { return cache().use(); }
void reset_peak_memory() { cache().reset_peak(); }
void release_cached_memory() { cache().trim(); }

}  // namespace weft
