#pragma once
// Memory for tensors, kept for the next step instead of given back.
//
// A training step allocates and frees the same few hundred blocks, some of 100 MB. malloc maps such
// a block afresh each time, and the kernel then zeroes it page by page on first touch: those faults
// cost two to four times the arithmetic. So a freed block waits in a cache, sorted by size, and the
// next request takes the smallest block that fits without much waste. Large blocks ask for huge pages.

#include <cstddef>

namespace weft {

struct MemoryUse {
  std::size_t live_bytes = 0;    // in blocks handed out now
  std::size_t peak_bytes = 0;    // the largest live_bytes since the start or reset_peak_memory()
  std::size_t cached_bytes = 0;  // in blocks kept for reuse
};

/// A block of at least `bytes` bytes, aligned to 64, content undefined. Thread-safe.
/// Throws Error ("out of memory ...") where the system has no more, after giving the cache back.
void* cached_allocate(std::size_t bytes);
/// Takes a block back into the cache. `block` may be null.
void cached_free(void* block) noexcept;

MemoryUse memory_use();
void reset_peak_memory();
/// Gives all cached blocks back to the system.
void release_cached_memory();

/// A block that frees itself; for scratch space in kernels.
class ScratchBuffer {
 public:
  explicit ScratchBuffer(std::size_t bytes) : block_(cached_allocate(bytes)) {}
  ~ScratchBuffer() { cached_free(block_); }
  ScratchBuffer(const ScratchBuffer&) = delete;
  ScratchBuffer& operator=(const ScratchBuffer&) = delete;
  template <class T>
  T* as() {
    return static_cast<T*>(block_);
  }

 private:
  void* block_;
};

}  // namespace weft
