#include "core/allocator.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <list>
#include <map>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "core/check.h"

namespace weft {
namespace {

constexpr std::size_t alignment = 64;  // what vector loads want
constexpr std::size_t page = 4096;
constexpr std::size_t small_limit = 64 * 1024;  // blocks below are malloc's: it keeps such memory anyway
constexpr std::size_t megabyte = std::size_t{1} << 20;
constexpr std::size_t huge_page = std::size_t{2} << 20;

std::size_t rounded(std::size_t bytes, std::size_t granule) {
  WEFT_CHECK(bytes < SIZE_MAX - granule, "out of memory: {} bytes wanted", bytes);
  return (bytes + granule - 1) / granule * granule;
}

/// The size of a block that holds `wanted` bytes.
std::size_t block_bytes(std::size_t wanted) {
  const std::size_t bytes = wanted == 0 ? alignment : rounded(wanted, alignment);
  return bytes < small_limit ? bytes : rounded(bytes, page);
}

char* map_pages(char* wish, std::size_t bytes, int protection) {
  void* mapped = ::mmap(wish, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return mapped == MAP_FAILED ? nullptr : static_cast<char*>(mapped);
}

char* up_to_huge_page(char* address) {
  return address + (huge_page - reinterpret_cast<std::uintptr_t>(address) % huge_page) % huge_page;
}

/// An address with nothing mapped in the terabyte after it, or null where the system does not tell.
char* room_to_grow() {
  constexpr std::size_t room = std::size_t{1} << 40;
  char* place = map_pages(nullptr, room, PROT_NONE);
  if (place == nullptr) return nullptr;
  ::munmap(place, room);
  return up_to_huge_page(place);
}

/// Memory in pages. All that is free is known by address, neighbours joined, so that a free stretch serves blocks of
/// any size; each request takes the first stretch that is long enough.
class PageHeap {
 public:
  /// Null where the system has no more memory.
  char* allocate(std::size_t bytes) {
    while (true) {
      for (auto range = free_.begin(); range != free_.end(); ++range) {
        if (range->second >= bytes) return cut(range, bytes);
      }
      if (grow(bytes)) continue;
      if (!trim()) return nullptr;
    }
  }

  void release(char* block, std::size_t bytes) {
    free_bytes_ += bytes;
    auto range = free_.emplace(block, bytes).first;
    if (const auto after = std::next(range); after != free_.end() && block + bytes == after->first) {
      range->second += after->second;
      free_.erase(after);
    }
    if (range == free_.begin()) return;
    if (const auto before = std::prev(range); before->first + before->second == block) {
      before->second += range->second;
      free_.erase(range);
    }
  }

  /// Gives free pages back to the system, as far as they are whole large ones: of a large page that is given back in
  /// part the system makes small ones, and what lies in the rest is slower to reach from then on (docs/performance.md).
  /// Returns whether there were any.
  bool trim() {
    Ranges kept;
    const std::size_t before = free_bytes_;
    for (const auto& [start, bytes] : free_) {
      char *const end = start + bytes, *const first = up_to_huge_page(start);
      char* const last = end == end_ ? end : end - reinterpret_cast<std::uintptr_t>(end) % huge_page;
      if (first >= last) {
        kept.emplace(start, bytes);
        continue;
      }
      ::munmap(first, static_cast<std::size_t>(last - first));
      free_bytes_ -= static_cast<std::size_t>(last - first);
      if (first > start) kept.emplace(start, static_cast<std::size_t>(first - start));
      if (last < end) kept.emplace(last, static_cast<std::size_t>(end - last));
      if (last == end_) end_ = first;
    }
    free_ = std::move(kept);
    return free_bytes_ < before;
  }

  std::size_t free_bytes() const { return free_bytes_; }

  bool is_taken = false;  // by an OwnPages

 private:
  using Ranges = std::map<char*, std::size_t>;

  char* cut(Ranges::iterator range, std::size_t bytes) {
    const auto [start, size] = *range;
    free_.erase(range);
    if (size > bytes) free_.emplace(start + bytes, size - bytes);
    free_bytes_ -= bytes;
    return start;
  }

  /// Maps more pages, behind the last ones if the system lets us: then they join the free stretch that ends there, and
  /// only what that one is short of is needed.
  bool grow(std::size_t bytes) {
    const bool ends_free = !free_.empty() && free_.rbegin()->first + free_.rbegin()->second == end_;
    const std::size_t missing = rounded(ends_free ? bytes - free_.rbegin()->second : bytes, huge_page);
    char* fresh = map_pages(end_, missing, PROT_READ | PROT_WRITE);
    if (fresh == nullptr) return false;
    ::madvise(fresh, missing, MADV_HUGEPAGE);  // a wish; nothing depends on it
    end_ = fresh + missing;
    release(fresh, missing);
    return true;
  }

  Ranges free_;
  char* end_ = room_to_grow();  // where the pages mapped last end
  std::size_t free_bytes_ = 0;
};

/// Where this thread's blocks come from; null: from the pages common to all.
thread_local PageHeap* own_heap = nullptr;

class Cache {
 public:
  void* allocate(std::size_t wanted) {
    const std::size_t bytes = block_bytes(wanted);
    const std::lock_guard lock(guard_);
    PageHeap* heap = bytes < small_limit ? nullptr : own_heap ? own_heap : &heaps_.front();
    void* block = heap ? allocate_pages(*heap, bytes) : std::aligned_alloc(alignment, bytes);
    WEFT_CHECK(block != nullptr, "out of memory: {} MB wanted, {} MB in use; a smaller --size or --batch needs less",
               rounded(bytes, megabyte) / megabyte, live_ / megabyte);
    blocks_.emplace(block, Block{bytes, heap});
    live_ += bytes;
    if (live_ > peak_) peak_ = live_;
    return block;
  }

  void release(void* block) {
    const std::lock_guard lock(guard_);
    const auto entry = blocks_.find(block);
    const auto [bytes, heap] = entry->second;
    blocks_.erase(entry);
    live_ -= bytes;
    if (heap == nullptr) {
      std::free(block);
    } else {
      heap->release(static_cast<char*>(block), bytes);
    }
  }

  void trim() {
    const std::lock_guard lock(guard_);
    trim_all();
  }

  PageHeap* take_heap() {
    const std::lock_guard lock(guard_);
    auto heap = std::find_if(std::next(heaps_.begin()), heaps_.end(), [](const PageHeap& h) { return !h.is_taken; });
    if (heap == heaps_.end()) heap = heaps_.emplace(heap);
    heap->is_taken = true;
    return &*heap;
  }

  void leave_heap(PageHeap* heap) {
    const std::lock_guard lock(guard_);
    heap->trim();
    heap->is_taken = false;
  }

  MemoryUse use() {
    const std::lock_guard lock(guard_);
    std::size_t cached = 0;
    for (const PageHeap& heap : heaps_) cached += heap.free_bytes();
    return {live_, peak_, cached};
  }

  void reset_peak() {
    const std::lock_guard lock(guard_);
    peak_ = live_;
  }

 private:
  struct Block {
    std::size_t bytes;
    PageHeap* heap;  // null: it is malloc's
  };

  char* allocate_pages(PageHeap& heap, std::size_t bytes) {
    if (char* block = heap.allocate(bytes)) return block;
    trim_all();  // another heap's free pages may be what this one lacks
    return heap.allocate(bytes);
  }

  void trim_all() {
    for (PageHeap& heap : heaps_) heap.trim();
  }

  std::mutex guard_;
  std::list<PageHeap> heaps_{1};  // the first is common to all; the others are a thread's own, or wait for the next
  std::unordered_map<void*, Block> blocks_;  // that are handed out
  std::size_t live_ = 0, peak_ = 0;
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

OwnPages::OwnPages() : before_(std::exchange(own_heap, cache().take_heap())) {}
OwnPages::~OwnPages() { cache().leave_heap(std::exchange(own_heap, static_cast<PageHeap*>(before_))); }

namespace {
thread_local LentMemory* lent = nullptr;
}

LentMemory::LentMemory(void* begin, std::size_t bytes)
    : begin_(static_cast<char*>(begin)), end_(begin_ + bytes), next_(begin_), before_(lent) {
  lent = this;
}
LentMemory::~LentMemory() { lent = before_; }

void* LentMemory::take(std::size_t bytes) {
  const std::size_t rounded = std::max<std::size_t>((bytes + 63) / 64 * 64, 64);  // a block has an address of its own
  if (lent == nullptr || rounded > static_cast<std::size_t>(lent->end_ - lent->next_)) return nullptr;
  ++lent->taken_;
  return std::exchange(lent->next_, lent->next_ + rounded);
}

bool LentMemory::give_back(void* block) {
  if (lent == nullptr || block < lent->begin_ || block >= lent->end_) return false;
  if (--lent->taken_ == 0) lent->next_ = lent->begin_;  // blocks needn't come back in order
  return true;
}

}  // namespace weft
