#pragma once

#include <cstdint>

namespace weft::kernels {

/// At least `floats` floats, aligned to 64 bytes, content undefined: the calling thread's own block, which the next
/// call on that thread hands out again. For what a task needs while it runs; a few megabytes at most.
float* thread_scratch(std::int64_t floats);

}  // namespace weft::kernels
