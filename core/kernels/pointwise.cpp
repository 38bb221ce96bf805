#include "core/kernels/pointwise.h"

#include "core/allocator.h"
#include "core/kernels/isa.h"

namespace weft::kernels {

void pointwise_forward(const PixelSource& x, std::int64_t pixels, std::int64_t c_out, const float* w,
                       const ConvEpilogue<float>& epilogue, float* y) {
  const IsaKernels& isa = isa_kernels();
  const PointwiseProblem p = {pixels, x.channels, c_out};
  ScratchBuffer scratch(static_cast<std::size_t>(isa.pointwise_scratch(p)) * sizeof(float));
  isa.pointwise_forward(p, x, w, epilogue, scratch.as<float>(), y);
}

void pointwise_backward(const PixelSource& x, const PixelSource& dy, std::int64_t pixels, const float* w,
                        const ConvEpilogue<float>& epilogue, float* dx, float* dw) {
  const IsaKernels& isa = isa_kernels();
  const PointwiseProblem p = {pixels, x.channels, dy.channels};
  ScratchBuffer scratch(static_cast<std::size_t>(isa.pointwise_scratch(p)) * sizeof(float));
  isa.pointwise_backward(p, x, dy, w, epilogue, scratch.as<float>(), dx, dw);
}

}  // namespace weft::kernels
