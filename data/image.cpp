#include "data/image.h"

#include <sys/mman.h>

namespace weft {

void reserve_pixels(std::vector<std::uint8_t>& pixels, std::size_t count) {
  pixels.reserve(count);
#ifdef MADV_HUGEPAGE
  constexpr std::size_t worth_it = 8 << 20, page = 4096;
  if (count < worth_it) return;
  const auto begin = (reinterpret_cast<std::uintptr_t>(pixels.data()) + page - 1) / page * page;
  ::madvise(reinterpret_cast<void*>(begin), count - page, MADV_HUGEPAGE);  // a wish: nothing depends on it
#endif
}

}  // namespace weft
