#include "core/kernels/pooling.h"

#include "core/kernels/isa.h"

namespace weft::kernels {

void max_pool2d(const Pool2d& p, const float* x, float* y, std::uint8_t* positions) {
  const IsaKernels& isa = isa_kernels();
  parallel_rows(p.n * p.oh, p.kernel * p.ow * p.c,
                [&](std::int64_t row) { isa.max_pool_row(p, x, row, y, positions); });
}

void max_pool2d_adjoint(const Pool2d& p, const float* dy, const std::uint8_t* positions, const float* before,
                        OutputSums* sums, float* dx) {
  const IsaKernels& isa = isa_kernels();
  const std::int64_t rows = p.n * p.h, grain = row_grain(p.w * p.c);
  const PartSums parts = sums != nullptr ? sums->begin((rows + grain - 1) / grain) : PartSums{};
  parallel_chunks(rows, grain, [&](std::int64_t begin, std::int64_t end) {
    isa.max_pool_gradient_rows(p, dy, positions, before, begin, end, parts, begin / grain, dx);
  });
}

}  // namespace weft::kernels
