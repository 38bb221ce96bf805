#include "core/kernels/scratch.h"

#include <cstdlib>
#include <memory>
#include <utility>

#include "core/check.h"

namespace weft::kernels {
namespace {

struct Free {
  void operator()(float* block) const { std::free(block); }
};

}  // namespace

float* thread_scratch(std::int64_t floats) {
  thread_local std::unique_ptr<float, Free> block;
  thread_local std::int64_t size = 0;
  if (size < floats) {
    size = (floats + 15) / 16 * 16;
    block.reset();
    block.reset(static_cast<float*>(std::aligned_alloc(64, static_cast<std::size_t>(size) * sizeof(float))));
    if (block == nullptr) {
      const std::int64_t wanted = std::exchange(size, 0);
      fail("out of memory: {} bytes of scratch wanted", wanted * 4);
    }
  }
  return block.get();
}

}  // namespace weft::kernels
