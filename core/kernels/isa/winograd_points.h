#pragma once
// Values of polynomials at the points of minimal filtering, shared by the forms for three taps (winograd_forms_same.h)
// and for seven (stem_form.h). A point and its negative share the even and the odd powers.

#include "core/kernels/isa/vec.h"

namespace weft::kernels::WEFT_ISA {
namespace {

template <class V>
WEFT_ALWAYS_INLINE void plus_and_minus(V even, V odd, V& plus, V& minus) {
  plus = even + odd;
  minus = even - odd;
}

constexpr float root_half = 0.70710678f, root_two = 1.41421356f;

/// From four inputs, the values at sqrt(1/2), -sqrt(1/2), sqrt(2), -sqrt(2).
template <class V>
WEFT_ALWAYS_INLINE void values_at_roots(V d0, V d1, V d2, V d3, V& at_a, V& at_minus_a, V& at_b, V& at_minus_b) {
  plus_and_minus(d3 - 2.0f * d1, root_half * d2 - root_two * d0, at_a, at_minus_a);
  plus_and_minus(d3 - 0.5f * d1, root_two * d2 - root_half * d0, at_b, at_minus_b);
}

/// From six inputs, the values at 1/2, -1/2, 1, -1, 2, -2.
template <class V>
WEFT_ALWAYS_INLINE void values_at_halves(V d0, V d1, V d2, V d3, V d4, V d5, V& at_half, V& at_minus_half, V& at_1,
                                         V& at_minus_1, V& at_2, V& at_minus_2) {
  plus_and_minus(d5 + (4.0f * d1 - 5.0f * d3), 0.5f * d4 + (2.0f * d0 - 2.5f * d2), at_half, at_minus_half);
  plus_and_minus(d5 + (d1 - 4.25f * d3), d4 + (d0 - 4.25f * d2), at_1, at_minus_1);
  plus_and_minus(d5 + (0.25f * d1 - 1.25f * d3), 2.0f * d4 + (0.5f * d0 - 2.5f * d2), at_2, at_minus_2);
}

}  // namespace
}  // namespace weft::kernels::WEFT_ISA
