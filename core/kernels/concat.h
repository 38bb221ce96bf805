#pragma once
// Joining rows side by side, and taking them apart again.
//
// A row of the whole is written (or read) in one go, part after part. Copying one part's rows, then the next part's,
// would take twice the time: each pass would touch every page of the whole and skip half of its cache lines.

#include <vector>

#include "core/kernels/rows.h"

namespace weft::kernels {

/// One of the matrices that lie side by side: rows of `width` elements.
template <class T>
struct Part {
  T* data;  // of split_rows: null where the part is not wanted
  std::int64_t width;
};

/// Row r of y is row r of the parts, one after the other.
template <class T>
void join_rows(const std::vector<Part<const T>>& parts, T* y, std::int64_t rows, std::int64_t width) {
  parallel_rows(rows, width, [&](std::int64_t row) {
    T* into = y + row * width;
    for (const auto& part : parts) into = std::copy_n(part.data + row * part.width, part.width, into);
  });
}

/// Row r of the parts, one after the other, is row r of y.
template <class T>
void split_rows(const T* y, const std::vector<Part<T>>& parts, std::int64_t rows, std::int64_t width) {
  parallel_rows(rows, width, [&](std::int64_t row) {
    const T* from = y + row * width;
    for (const auto& part : parts) {
      if (part.data != nullptr) std::copy_n(from, part.width, part.data + row * part.width);
      from += part.width;
    }
  });
}

}  // namespace weft::kernels
