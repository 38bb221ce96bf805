#pragma once
// Rows: runs of elements that lie together, such as the channels of a pixel or a line of an image.

#include <algorithm>
#include <cstdint>

#include "core/parallel.h"

namespace weft::kernels {

/// How many rows of about `row_elements` elements share a task.
inline std::int64_t row_grain(std::int64_t row_elements) {
  return std::max<std::int64_t>(1, elementwise_grain / std::max<std::int64_t>(1, row_elements));
}

/// Calls body(row) for each of `rows` rows of about `row_elements` elements; short rows share a task.
template <class Body>
void parallel_rows(std::int64_t rows, std::int64_t row_elements, Body&& body) {
  parallel_chunks(rows, row_grain(row_elements), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) body(row);
  });
}

}  // namespace weft::kernels
