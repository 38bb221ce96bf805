#include "core/kernels/sigmoid.h"

#include "core/kernels/isa.h"

namespace weft::kernels {

void sigmoid(const float* z, std::int64_t count, float* p) { isa_kernels().sigmoid(z, count, p); }

void softplus_tail(const float* z, std::int64_t count, float* tail) { isa_kernels().softplus_tail(z, count, tail); }

}  // namespace weft::kernels
