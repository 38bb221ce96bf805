#pragma once
// Memory for tensors, kept for the next step instead of given back.
//
// A training step allocates and frees the same few hundred blocks, some of 100 MB. malloc maps such
// a block afresh each time, and the kernel then zeroes it page by page on first touch: those faults
// cost two to four times the arithmetic. So freed pages stay mapped. They are kept as stretches of
// addresses, neighbours joined, and a request takes the first stretch that is long enough: a block of
// 100 MB can lie where ten of 10 MB lay. Two things follow. A step that begins with the same free
// stretches as the one before places every block where that one did, and touches no new page. And what
// is lost to gaps stays small, 1 to 2% in training, so the process needs little more than live_bytes at
// its peak, whatever sizes came before. Pages are asked to be huge ones; small blocks are malloc's.

#include <cstddef>

namespace weft {

struct MemoryUse {
  std::size_t live_bytes = 0;    // in blocks handed out now
  std::size_t peak_bytes = 0;    // the largest live_bytes since the start or reset_peak_memory()
  std::size_t cached_bytes = 0;  // in free pages kept for reuse
};

/// A block of at least `bytes` bytes, aligned to 64, content undefined. Thread-safe.
/// Throws Error ("out of memory ...") where the system has no more, after giving the free pages back.
void* cached_allocate(std::size_t bytes);
/// Takes a block back. `block` may be null.
void cached_free(void* block) noexcept;

MemoryUse memory_use();
void reset_peak_memory();
/// Gives free pages back to the system, but for those that share a large page with a block.
void release_cached_memory();

/// While it lives, this thread's blocks of 64 KB and more come from pages that no other thread gets. For threads that
/// each run a network: of common pages a thread soon gets those that another freed, and must fetch what that one wrote
/// from its caches (two MobileNetV2 U-Nets at 512 x 512 on two cores: 49 ms a picture instead of 46.5). Any thread may
/// free the blocks, also afterwards. Its free pages go back to the system in the end.
class OwnPages {
 public:
  OwnPages();
  ~OwnPages();
  OwnPages(const OwnPages&) = delete;
  OwnPages& operator=(const OwnPages&) = delete;

 private:
  void* const before_;
};

/// Memory that nobody needs for as long as this lives: scratch blocks of this thread come from it where they fit. A plan
/// lends the gaps of its arena to each of its steps, so that scratch space takes no memory of its own.
class LentMemory {
 public:
  /// `begin` is aligned to 64 bytes.
  LentMemory(void* begin, std::size_t bytes);
  ~LentMemory();
  LentMemory(const LentMemory&) = delete;
  LentMemory& operator=(const LentMemory&) = delete;

  /// A block of the memory lent on this thread, or null where none is, or not enough.
  static void* take(std::size_t bytes);
  /// True, and the block is back, where it was taken from there.
  static bool give_back(void* block);

 private:
  char *const begin_, *const end_;
  char* next_;
  int taken_ = 0;  // blocks
  LentMemory* const before_;
};

/// A block that frees itself; for scratch space in kernels. It must be freed on the thread that made it, and before the
/// operation that it serves ends.
class ScratchBuffer {
 public:
  explicit ScratchBuffer(std::size_t bytes) : block_(LentMemory::take(bytes)) {
    if (block_ == nullptr) block_ = cached_allocate(bytes);
  }
  ~ScratchBuffer() {
    if (!LentMemory::give_back(block_)) cached_free(block_);
  }
  ScratchBuffer(const ScratchBuffer&) = delete;
  ScratchBuffer& operator=(const ScratchBuffer&) = delete;
  template <class T>
  T* as() const {
    return static_cast<T*>(block_);
  }

 private:
  void* block_;
};

}  // namespace weft
