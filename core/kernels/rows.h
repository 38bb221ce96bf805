#pragma once
// Rows: runs of elements that lie together, such as the channels of a pixel or a line of an image.

#include <algorithm>
#include <cstdint>

#include "core/parallel.h"

namespace weft::kernels {

/// Calls body(row) for each of `rows` rows of about `row_elements` elements; short rows share a task.
template <class Body>
void parallel_rows(std::int64_t rows, std::int64_t row_elements, Body&& body) {
  const std::int64_t grain = std::max<std::int64_t>(1, elementwise_grain / std::max<std::int64_t>(1, row_elements));
  parallel_chunks(rows, grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) body(row);
  });
}

/// into[row * into_step + k] = from[row * from_step + k] for k < width: gathers or scatters columns of a matrix.
template <class T>
void copy_columns(const T* from, std::int64_t from_step, T* into, std::int64_t into_step, std::int64_t width, std::int64_t rows) {
  parallel_rows(rows, width, [=](std::int64_t row) { std::copy_n(from + row * from_step, width, into + row * into_step); });
}

}  // namespace weft::kernels
