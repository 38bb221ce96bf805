#include "core/kernels/pooling.h"

#include "core/kernels/isa.h"

namespace weft::kernels {

void max_pool2d(const Pool2d& p, const float* x, float* y, std::uint8_t* positions) {
  const IsaKernels& isa = isa_kernels();
  parallel_rows(p.n * p.oh, p.kernel * p.ow * p.c,
                [&](std::int64_t row) { isa.max_pool_row(p, x, row, y, positions); });
}

void max_pool2d_adjoint(const Pool2d& p, const float* dy, const std::uint8_t* positions, float* dx) {
  const IsaKernels& isa = isa_kernels();
  parallel_rows(p.n * p.h, p.w * p.c, [&](std::int64_t row) { isa.max_pool_gradient_row(p, dy, positions, row, dx); });
}

}  // namespace weft::kernels
