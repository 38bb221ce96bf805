#include "core/kernels/winograd_calls.h"

#include "core/allocator.h"
#include "core/kernels/isa.h"

namespace weft::kernels {
namespace {

std::size_t bytes(std::int64_t floats) { return static_cast<std::size_t>(floats) * sizeof(float); }

}  // namespace

void convolve_sources(const WinogradWork& work, const ConvEpilogue<float>& epilogue, float* out) {
  const IsaKernels& isa = isa_kernels();
  ScratchBuffer scratch(bytes(isa.winograd_scratch(work)));
  isa.winograd_convolve(work, epilogue, scratch.as<float>(), out);
}

void convolve_packing(const WinogradWork& work, const WinogradSource& source, const WinogradFilters& filters,
                      const ConvEpilogue<float>& epilogue, float* out) {
  const IsaKernels& isa = isa_kernels();
  ScratchBuffer packed(bytes(isa.winograd_packed_floats(source.form, source.c, work.out_c)));
  isa.winograd_pack(source.form, source.c, work.out_c, filters, packed.as<float>());
  WinogradSource ready = source;
  ready.packed = packed.as<float>();
  convolve_sources({work.images, work.out_h, work.out_w, work.out_c, &ready, 1}, epilogue, out);
}

void weight_gradient_of(const WinogradSource& source, const WinogradWork& work, const float* dy,
                        const WinogradGradients& dw) {
  const IsaKernels& isa = isa_kernels();
  ScratchBuffer scratch(bytes(isa.winograd_weight_gradient_scratch(source, work)));
  isa.winograd_weight_gradient(source, work, dy, scratch.as<float>(), dw);
}

}  // namespace weft::kernels
