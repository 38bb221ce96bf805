#pragma once
// Pooling over square windows, [n, h, w, c] -> [n, oh, ow, c], and the adjoints: the textbook loops.
// core/kernels/pooling.h picks the fast ones.
//
// Window o of an axis covers the inputs o * stride - padding + [0, kernel). The adjoints gather: a task owns rows of
// dx and asks which windows hold a pixel, so no two tasks write the same element and the order of the sums is fixed.

#include "core/kernels/pool2d.h"
#include "core/kernels/rows.h"

namespace weft::kernels::reference {

/// Indices begin .. end - 1.
struct Range {
  std::int64_t begin, end;
};

/// The inputs of an axis of `size` that window o holds.
inline Range inputs_of_window(const Pool2d& p, std::int64_t o, std::int64_t size) {
  const std::int64_t start = o * p.stride - p.padding;
  return {std::max<std::int64_t>(start, 0), std::min(start + p.kernel, size)};
}

/// The windows, of `windows` on the axis, that hold input i: o * stride <= i + padding < o * stride + kernel.
inline Range windows_of_input(const Pool2d& p, std::int64_t i, std::int64_t windows) {
  const std::int64_t from_start = i + p.padding;
  return {from_start < p.kernel ? 0 : (from_start - p.kernel) / p.stride + 1,
          std::min(from_start / p.stride + 1, windows)};
}

/// best[k] = max(best[k], x[k]). The first of equals stays; NaN wins, so that it is not lost.
template <class T>
void take_larger(const T* __restrict x, T* __restrict best, std::int64_t c) {
  for (std::int64_t k = 0; k < c; ++k) best[k] = x[k] > best[k] || x[k] != x[k] ? x[k] : best[k];
}

/// The same; positions[k] becomes `position` where x[k] wins.
template <class T>
void take_larger(const T* __restrict x, std::uint8_t position, T* __restrict best, std::uint8_t* __restrict positions,
                 std::int64_t c) {
  for (std::int64_t k = 0; k < c; ++k) {
    const bool wins = x[k] > best[k] || x[k] != x[k];
    best[k] = wins ? x[k] : best[k];
    positions[k] = wins ? position : positions[k];
  }
}

/// y = the largest input of each window. Where `positions` is given (kernel <= 16), it gets the winner's place in
/// its window, row * kernel + column.
template <class T>
void max_pool2d(const Pool2d& p, const T* x, T* y, std::uint8_t* positions) {
  parallel_rows(p.n * p.oh, p.kernel * p.ow * p.c, [=](std::int64_t out_row) {
    const std::int64_t image = out_row / p.oh, top = out_row % p.oh * p.stride - p.padding;
    const Range rows = inputs_of_window(p, out_row % p.oh, p.h);
    for (std::int64_t o = 0; o < p.ow; ++o) {
      const std::int64_t left = o * p.stride - p.padding;
      const Range columns = inputs_of_window(p, o, p.w);
      const auto pixel = [&](std::int64_t i, std::int64_t j) { return x + ((image * p.h + i) * p.w + j) * p.c; };
      const auto place = [&](std::int64_t i, std::int64_t j) {
        return static_cast<std::uint8_t>((i - top) * p.kernel + j - left);
      };

      const std::int64_t at = (out_row * p.ow + o) * p.c;
      std::copy_n(pixel(rows.begin, columns.begin), p.c, y + at);
      if (positions != nullptr) std::fill_n(positions + at, p.c, place(rows.begin, columns.begin));
      for (std::int64_t i = rows.begin; i < rows.end; ++i) {
        for (std::int64_t j = columns.begin; j < columns.end; ++j) {
          if (positions == nullptr) {
            take_larger(pixel(i, j), y + at, p.c);
          } else {
            take_larger(pixel(i, j), place(i, j), y + at, positions + at, p.c);
          }
        }
      }
    }
  });
}

/// Calls visit(dx_pixel, window, place) for each input pixel and each window that holds it, after zeroing the pixel:
/// `window` is the number of the output pixel and `place` the input's place in that window.
template <class T, class Visit>
void gather_from_windows(const Pool2d& p, T* dx, Visit&& visit) {
  parallel_rows(p.n * p.h, p.w * p.c, [&](std::int64_t row) {
    const std::int64_t image = row / p.h, i = row % p.h;
    const Range down = windows_of_input(p, i, p.oh);
    for (std::int64_t j = 0; j < p.w; ++j) {
      const Range along = windows_of_input(p, j, p.ow);
      T* into = dx + (row * p.w + j) * p.c;
      std::fill_n(into, p.c, T(0));
      for (std::int64_t a = down.begin; a < down.end; ++a) {
        for (std::int64_t b = along.begin; b < along.end; ++b) {
          const std::int64_t place = (i + p.padding - a * p.stride) * p.kernel + j + p.padding - b * p.stride;
          visit(into, (image * p.oh + a) * p.ow + b, place);
        }
      }
    }
  });
}

/// dx[i, j] = sum of dy over the windows that [i, j] won.
template <class T>
void max_pool2d_adjoint(const Pool2d& p, const T* dy, const std::uint8_t* positions, T* dx) {
  gather_from_windows(p, dx, [=](T* __restrict into, std::int64_t window, std::int64_t place) {
    const T* __restrict from = dy + window * p.c;
    const std::uint8_t* __restrict winner = positions + window * p.c;
    const auto mine = static_cast<std::uint8_t>(place);
    for (std::int64_t k = 0; k < p.c; ++k) into[k] += winner[k] == mine ? from[k] : T(0);
  });
}

/// y = the sum of each window over kernel^2.
template <class T>
void avg_pool2d(const Pool2d& p, const T* x, T* y) {
  const T share = T(1) / static_cast<T>(p.kernel * p.kernel);
  parallel_rows(p.n * p.oh, p.kernel * p.ow * p.c, [=](std::int64_t out_row) {
    const std::int64_t image = out_row / p.oh;
    const Range rows = inputs_of_window(p, out_row % p.oh, p.h);
    for (std::int64_t o = 0; o < p.ow; ++o) {
      const Range columns = inputs_of_window(p, o, p.w);
      T* __restrict sum = y + (out_row * p.ow + o) * p.c;
      std::fill_n(sum, p.c, T(0));
      for (std::int64_t i = rows.begin; i < rows.end; ++i) {
        for (std::int64_t j = columns.begin; j < columns.end; ++j) {
          const T* __restrict from = x + ((image * p.h + i) * p.w + j) * p.c;
          for (std::int64_t k = 0; k < p.c; ++k) sum[k] += from[k];
        }
      }
      for (std::int64_t k = 0; k < p.c; ++k) sum[k] *= share;
    }
  });
}

/// dx[i, j] = sum of dy over the windows that hold [i, j], over kernel^2.
template <class T>
void avg_pool2d_adjoint(const Pool2d& p, const T* dy, T* dx) {
  const T share = T(1) / static_cast<T>(p.kernel * p.kernel);
  gather_from_windows(p, dx, [=](T* __restrict into, std::int64_t window, std::int64_t) {
    const T* __restrict from = dy + window * p.c;
    for (std::int64_t k = 0; k < p.c; ++k) into[k] += share * from[k];
  });
}

}  // namespace weft::kernels::reference
