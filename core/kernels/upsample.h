#pragma once
// Doubling an image's height and width, [n, h, w, c] -> [n, 2h, 2w, c], and the adjoints.
//
// Rows of all images are numbered through: row r of the input, r = image * h + i, gives rows 2r and 2r + 1 of the
// output. A task is a run of rows; the adjoints gather, so no two tasks write the same element.

#include "core/allocator.h"
#include "core/kernels/rows.h"

namespace weft::kernels {

/// y[2i + a, 2j + b] = x[i, j], a, b in {0, 1}
template <class T>
void upsample_nearest2x(const T* x, T* y, std::int64_t n, std::int64_t h, std::int64_t w, std::int64_t c) {
  const std::int64_t out_row = 2 * w * c;
  parallel_rows(n * h, 2 * out_row, [=](std::int64_t r) {
    T* out = y + 2 * r * out_row;
    for (std::int64_t j = 0; j < w; ++j) {
      const T* __restrict in = x + (r * w + j) * c;
      T* __restrict left = out + 2 * j * c;
      T* __restrict right = left + c;
      for (std::int64_t k = 0; k < c; ++k) left[k] = right[k] = in[k];
    }
    std::copy_n(out, out_row, out + out_row);
  });
}

/// dx[i, j] = sum over a, b in {0, 1} of dy[2i + a, 2j + b]
template <class T>
void upsample_nearest2x_adjoint(const T* dy, T* dx, std::int64_t n, std::int64_t h, std::int64_t w, std::int64_t c) {
  const std::int64_t out_row = 2 * w * c;
  parallel_rows(n * h, 2 * out_row, [=](std::int64_t r) {
    for (std::int64_t j = 0; j < w; ++j) {
      const T* __restrict top = dy + 2 * r * out_row + 2 * j * c;
      const T* __restrict bottom = top + out_row;
      T* __restrict into = dx + (r * w + j) * c;
      for (std::int64_t k = 0; k < c; ++k) into[k] = (top[k] + top[k + c]) + (bottom[k] + bottom[k + c]);
    }
  });
}

/// Along each axis y[2i] = (x[i-1] + 3 x[i]) / 4 and y[2i+1] = (3 x[i] + x[i+1]) / 4, indices clamped to the image.
/// First down the columns, into a line of the input's width; then along that line.
template <class T>
void upsample_bilinear2x(const T* x, T* y, std::int64_t n, std::int64_t h, std::int64_t w, std::int64_t c) {
  const T near = T(0.75), far = T(0.25);
  parallel_rows(2 * n * h, 2 * w * c, [=](std::int64_t out_row) {
    const std::int64_t r = out_row / 2, i = r % h;
    const std::int64_t neighbour = out_row % 2 == 0 ? r - (i > 0) : r + (i < h - 1);
    ScratchBuffer line(static_cast<std::size_t>(w * c) * sizeof(T));
    T* __restrict t = line.as<T>();
    const T* nearer = x + r * w * c;
    const T* farther = x + neighbour * w * c;
    for (std::int64_t k = 0; k < w * c; ++k) t[k] = near * nearer[k] + far * farther[k];

    for (std::int64_t j = 0; j < w; ++j) {
      const T* __restrict here = t + j * c;
      const T* __restrict before = j > 0 ? here - c : here;
      const T* __restrict after = j < w - 1 ? here + c : here;
      T* __restrict left = y + (out_row * w + j) * 2 * c;
      T* __restrict right = left + c;
      for (std::int64_t k = 0; k < c; ++k) {
        left[k] = near * here[k] + far * before[k];
        right[k] = near * here[k] + far * after[k];
      }
    }
  });
}

/// Along each axis x[i] was read by y[2i-1 .. 2i+2] with weights 1/4, 3/4, 3/4, 1/4, so
///   dx[i] = (dy[2i-1] + 3 dy[2i] + 3 dy[2i+1] + dy[2i+2]) / 4,
/// indices clamped: the first y reads x[0] with both its weights, and so does the last.
template <class T>
void upsample_bilinear2x_adjoint(const T* dy, T* dx, std::int64_t n, std::int64_t h, std::int64_t w, std::int64_t c) {
  const T near = T(0.75), far = T(0.25);
  const std::int64_t out_row = 2 * w * c;
  parallel_rows(n * h, 2 * out_row, [=](std::int64_t r) {
    const std::int64_t i = r % h;
    const T* row1 = dy + 2 * r * out_row;
    const T* row2 = row1 + out_row;
    const T* row0 = i > 0 ? row1 - out_row : row1;
    const T* row3 = i < h - 1 ? row2 + out_row : row2;
    ScratchBuffer line(static_cast<std::size_t>(out_row) * sizeof(T));
    T* __restrict t = line.as<T>();
    for (std::int64_t k = 0; k < out_row; ++k) t[k] = near * (row1[k] + row2[k]) + far * (row0[k] + row3[k]);

    for (std::int64_t j = 0; j < w; ++j) {
      const T* __restrict t1 = t + 2 * j * c;
      const T* __restrict t2 = t1 + c;
      const T* __restrict t0 = j > 0 ? t1 - c : t1;
      const T* __restrict t3 = j < w - 1 ? t2 + c : t2;
      T* __restrict into = dx + (r * w + j) * c;
      for (std::int64_t k = 0; k < c; ++k) into[k] = near * (t1[k] + t2[k]) + far * (t0[k] + t3[k]);
    }
  });
}

}  // namespace weft::kernels
