#pragma once
// The textbook convolution: the specification that every fast one is tested against. See core/kernels/conv.h for
// the formula and the layouts. Each function computes one output element after the other, by its definition:
//
//   y[n, i, j, o]   = sum over u, v, c of  x[n, i s - p + u d, j s - p + v d, c] w[o, c, u, v]
//   dx[n, a, b, c]  = sum over u, v, o of  dy[n, i, j, o] w[o, c, u, v]     where i s - p + u d = a, j s - p + v d = b
//   dw[o, c, u, v]  = sum over n, i, j of  dy[n, i, j, o] x[n, i s - p + u d, j s - p + v d, c]
//
// With groups, output channel o of group g sees the input channels of group g only; c then counts inside the group.

#include <cstdint>

#include "core/kernels/conv.h"
#include "core/parallel.h"

namespace weft::kernels::reference {

template <class T>
void conv2d_forward(const ConvProblem& p, const T* x, const T* w, const ConvEpilogue<T>& epilogue, T* y) {
  const std::int64_t out_h = p.out_h(), out_w = p.out_w();
  const std::int64_t group_in = p.c_in / p.groups, group_out = p.c_out / p.groups;
  parallel_for(p.n * out_h, [&](std::int64_t row) {
    const std::int64_t n = row / out_h, i = row % out_h;
    for (std::int64_t j = 0; j < out_w; ++j) {
      for (std::int64_t o = 0; o < p.c_out; ++o) {
        T sum = 0;
        for (std::int64_t u = 0; u < p.kernel_h; ++u) {
          for (std::int64_t v = 0; v < p.kernel_w; ++v) {
            const std::int64_t a = i * p.stride_h - p.padding_h + u * p.dilation_h;
            const std::int64_t b = j * p.stride_w - p.padding_w + v * p.dilation_w;
            if (a < 0 || a >= p.h || b < 0 || b >= p.w) continue;
            for (std::int64_t c = 0; c < group_in; ++c) {
              sum += x[((n * p.h + a) * p.w + b) * p.c_in + o / group_out * group_in + c] *
                     w[((o * group_in + c) * p.kernel_h + u) * p.kernel_w + v];
            }
          }
        }
        const std::int64_t at = (row * out_w + j) * p.c_out + o;
        if (epilogue.bias != nullptr) sum += epilogue.bias[o];
        if (epilogue.residual != nullptr) sum += epilogue.residual[at];
        y[at] = clamped(sum, epilogue.clamp);
      }
    }
  });
}

template <class T>
void conv2d_input_gradient(const ConvProblem& p, const T* dy, const T* w, const ConvEpilogue<T>& epilogue, T* dx) {
  const std::int64_t out_h = p.out_h(), out_w = p.out_w();
  const std::int64_t group_in = p.c_in / p.groups, group_out = p.c_out / p.groups;
  parallel_for(p.n * p.h, [&](std::int64_t row) {
    const std::int64_t n = row / p.h, a = row % p.h;
    for (std::int64_t b = 0; b < p.w; ++b) {
      for (std::int64_t channel = 0; channel < p.c_in; ++channel) {
        const std::int64_t group = channel / group_in, c = channel % group_in;
        T sum = 0;
        for (std::int64_t u = 0; u < p.kernel_h; ++u) {
          for (std::int64_t v = 0; v < p.kernel_w; ++v) {
            const std::int64_t i_s = a + p.padding_h - u * p.dilation_h;  // i times the stride
            const std::int64_t j_s = b + p.padding_w - v * p.dilation_w;
            if (i_s < 0 || i_s % p.stride_h != 0 || i_s / p.stride_h >= out_h) continue;
            if (j_s < 0 || j_s % p.stride_w != 0 || j_s / p.stride_w >= out_w) continue;
            const std::int64_t pixel = (n * out_h + i_s / p.stride_h) * out_w + j_s / p.stride_w;
            for (std::int64_t o = group * group_out; o < (group + 1) * group_out; ++o) {
              sum += dy[pixel * p.c_out + o] * w[((o * group_in + c) * p.kernel_h + u) * p.kernel_w + v];
            }
          }
        }
        const std::int64_t at = (row * p.w + b) * p.c_in + channel;
        if (epilogue.bias != nullptr) sum += epilogue.bias[channel];
        if (epilogue.residual != nullptr) sum += epilogue.residual[at];
        dx[at] = clamped(sum, epilogue.clamp);
      }
    }
  });
}

template <class T>
void conv2d_weight_gradient(const ConvProblem& p, const T* x, const T* dy, T* dw) {
  const std::int64_t out_h = p.out_h(), out_w = p.out_w();
  const std::int64_t group_in = p.c_in / p.groups, group_out = p.c_out / p.groups;
  parallel_for(p.c_out * group_in, [&](std::int64_t filter) {
    const std::int64_t o = filter / group_in, channel = o / group_out * group_in + filter % group_in;
    for (std::int64_t u = 0; u < p.kernel_h; ++u) {
      for (std::int64_t v = 0; v < p.kernel_w; ++v) {
        T sum = 0;
        for (std::int64_t row = 0; row < p.n * out_h; ++row) {
          const std::int64_t n = row / out_h, a = row % out_h * p.stride_h - p.padding_h + u * p.dilation_h;
          if (a < 0 || a >= p.h) continue;
          for (std::int64_t j = 0; j < out_w; ++j) {
            const std::int64_t b = j * p.stride_w - p.padding_w + v * p.dilation_w;
            if (b < 0 || b >= p.w) continue;
            sum += dy[(row * out_w + j) * p.c_out + o] * x[((n * p.h + a) * p.w + b) * p.c_in + channel];
          }
        }
        dw[(filter * p.kernel_h + u) * p.kernel_w + v] = sum;
      }
    }
  });
}

}  // namespace weft::kernels::reference
