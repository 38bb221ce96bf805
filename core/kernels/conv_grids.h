#pragma once
// A convolution and its input gradient as grids of taps, the form that the fast kernels take (isa/tap_grid.h).
//
// Forward is one grid: every output pixel meets every element of the kernel. In the input gradient, pixel a of x
// meets output i through kernel element u where i stride = a + padding - u dilation, so only some elements reach a
// pixel, the same ones for all a with the same remainder by the stride. These classes are the phases: stride_h *
// stride_w grids, each with its own taps and no zeros in between. A phase that nothing reaches has no taps.

#include <vector>

#include "core/kernels/conv.h"
#include "core/kernels/isa/tap_grid.h"

namespace weft::kernels {

/// A grid that holds its taps.
struct GridWithTaps {
  TapGrid shape;  // shape.taps is set by view()
  std::vector<Tap> taps;

  TapGrid view() const;
};

/// y from x. The weight steps are those of w [c_out, c_in / groups, kernel_h, kernel_w].
GridWithTaps forward_grid(const ConvProblem& p);
/// dx from dy, one grid a phase.
std::vector<GridWithTaps> input_gradient_grids(const ConvProblem& p);

}  // namespace weft::kernels
