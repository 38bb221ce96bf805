#pragma once
// Minimal filtering along one axis: `out` neighbouring outputs of a 3-tap filter from fewer products than taps * out.
// In two dimensions the forms are applied along rows and then along columns, and the savings multiply.
//
//   y = A' [ (G g) . (B' d) ]       d: the tile's inputs, g: the filter, ".": product by product
//
// B' d are the `values`, G g the `filters`, their products add up to `sums`. Over channels, each product is a matrix
// product [tiles x Cin] [Cin x Cout], and there the time goes: per output and channel pair a direct 3x3 convolution
// multiplies 9 times.
//
//   form        tile     products     a direct way needs     per output in 2D     source
//   Same        4 of 6   6            12                     36 / 16 = 2.25       F(4, 3): Lavin & Gray 2015
//   SameSix     6 of 8   8            18                     64 / 36 = 1.78       F(6, 3): the same
//   Upsampled   4 of 4   5            12 (8 by phases)       25 / 16 = 1.56       below
//   UpsampledSix  6 of 5   7          18 (12 by phases)      49 / 36 = 1.36       below
//   Wide        8 of 6   9            24 (16 by phases)      81 / 64 = 1.27       below
//   Pooled      2 of 6   5            8                      25 / 4  (of 16)      below
//   PooledSix   3 of 8   7            12                     49 / 9  (of 16)      below
//   Strided     2 of 5   5            6                      25 / 4  (of 9)       below
//   Spread      4 of 3   5            6                      25 / 16 (of 2.25)    below
//
// Same. The values are those of polynomials at the points 0, a, -a, b, -b and infinity (Winograd 1980), so even and odd
// powers are shared between a point and its negative. The usual points, 1 and 2, make sums of very different sizes;
// a = sqrt(1/2) and b = 1/a keep them close, at the same cost, and round four times less (Barabasz et al. 2018,
// arXiv:1803.10986, on choosing points). a a = 1/2, b b = 2, a b = 1, so few other constants appear.
//
// SameSix has two more points: 0, 1, -1, 2, -2, 1/2, -1/2 and infinity. With q = z^6 - 21/4 z^4 + 21/4 z^2 - 1, the
// product of all z^2 - p^2, the value at a point p is that of z q / (z - p), as sums of d: even powers are shared
// again. Powers up to 32 meet in an output, so it rounds four times as much as Same in the root mean square and seven
// times at worst (tests/golden/winograd_points.py), and has 64 filters instead of 36.
//
// Upsampled. With x[-1], x[0], x[1], x[2] at half resolution the four outputs are
//   y0 = w0 x[-1] + (w1 + w2) x0      y1 = (w0 + w1) x0 + w2 x1      s = w0 + w1 + w2
//   y2 = w0 x0 + (w1 + w2) x1         y3 = (w0 + w1) x1 + w2 x2
// Even and odd outputs are two filters of two taps, a = (w0, w1 + w2) and b = (w0 + w1, w2). As polynomials, the
// adjoint map is dx(z) = e(z) a(z) + z o(z) b(z), e and o the even and odd outputs' gradients: cubic, so its values at
// 0, 1, -1 and infinity tell it. At 0 and infinity one term vanishes, and at 1 both filters are s, so one product
// serves both: 1 + 1 + 1 + 2 = 5 products (Toom and Cook's method, plus the shared point). The form below is the
// transpose of that. All its coefficients are 0, 1 and 1/2: its rounding error is that of the direct sum.
//
// UpsampledSix: three neighbouring x, six outputs, dx(z) of the fourth degree. The points are 0, infinity, 1, and -2
// and -1/2 with two products each, 1 + 1 + 1 + 2 + 2 = 7. Of the pairs tried this one rounds least, two to three
// times as much as the direct sum; the two points are each other's mirror images, and so are their values.
//
// Wide has twice the outputs of Upsampled: dx(z) is of the fifth degree, and the points 1/2 and -1/2 join those four,
// two products each. It rounds about as Same does, and has more filters for fewer tiles: for layers of few channels.
//
// Pooled. With dy[-1 .. 4] the gradients of two neighbouring inputs are
//   dx_i = (w1 + w2) e_i + w0 e_(i+1) + w2 o_(i-1) + (w0 + w1) o_i           e_i = dy[2i], o_i = dy[2i + 1]
// Two filters of two taps again: each F(2, 2) by 3 products, where the middle ones, s e_1 and s o_0, are added first.
//
// PooledSix takes six gradients to three inputs: each filter is F(3, 2) with the points 0, 1, -1 and infinity. At 1
// both are s, and again their values are added first: 4 + 4 - 1 products.
//
// Strided, a convolution with stride 2 and padding 1. With e_i = x[2i] and o_i = x[2i + 1]
//   y_i = w0 o_(i-1) + w2 o_i + w1 e_i
// The odd inputs meet a filter of two taps: F(2, 2) again, and w1 e_i is added to its products.
//
// Spread, the adjoint of Strided:   dx[2i] = w1 dy_i,   dx[2i + 1] = w2 dy_i + w0 dy_(i+1).

#include "core/kernels/isa/winograd_forms_same.h"
#include "core/kernels/isa/winograd_forms_upsampled.h"
#include "core/kernels/winograd_work.h"

namespace weft::kernels::WEFT_ISA {
namespace {

template <class Form, class... Forms>
constexpr bool is_one_of = (__is_same(Form, Forms) || ...);

/// The sum that a filter's product adds to.
template <class Form>
constexpr int sum_of(int filter) {
  int sum = 0;
  while (Form::first_filter[sum + 1] <= filter) ++sum;
  return sum;
}

/// The filters that meet in a sum.
template <class Form>
constexpr int filters_in(int sum) {
  return Form::first_filter[sum + 1] - Form::first_filter[sum];
}

/// Filters of the sum (a, b) lie together: where it begins, counted in filters. `Rows` is the form along the first
/// axis.
template <class Rows, class Columns = Rows>
constexpr int sum_begin(int a, int b) {
  return Rows::first_filter[a] * Columns::filters + filters_in<Rows>(a) * Columns::first_filter[b];
}

/// The place of filter (i, j) in that order.
template <class Rows, class Columns = Rows>
constexpr int filter_place(int i, int j) {
  const int a = sum_of<Rows>(i), b = sum_of<Columns>(j);
  return sum_begin<Rows, Columns>(a, b) + (i - Rows::first_filter[a]) * filters_in<Columns>(b) + j -
         Columns::first_filter[b];
}

/// Calls body(Form{}) with the type that `form` names.
template <class Body>
WEFT_ALWAYS_INLINE void with_form(WinogradForm form, Body&& body) {
  switch (form) {
    case WinogradForm::same:
      return body(SameForm{});
    case WinogradForm::same_six:
      return body(SameSixForm{});
    case WinogradForm::upsampled:
      return body(UpsampledForm{});
    case WinogradForm::upsampled_six:
      return body(UpsampledSixForm{});
    case WinogradForm::upsampled_wide:
      return body(WideUpsampledForm{});
    case WinogradForm::pooled:
      return body(PooledForm{});
    case WinogradForm::pooled_six:
      return body(PooledSixForm{});
    case WinogradForm::strided:
      return body(StridedForm{});
    case WinogradForm::spread:
      return body(SpreadForm{});
  }
}

}  // namespace
}  // namespace weft::kernels::WEFT_ISA
