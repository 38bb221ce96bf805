#pragma once
// The sizes of a pooling: windows of kernel x kernel over [n, h, w, c], one for each pixel of [n, oh, ow, c].

#include <cstdint>

namespace weft::kernels {

/// Window o of an axis covers the inputs o * stride - padding + [0, kernel).
struct Pool2d {
  std::int64_t n, h, w, c;
  std::int64_t kernel, stride, padding;  // padding <= kernel / 2: every window holds an input
  std::int64_t oh, ow;
};

}  // namespace weft::kernels
