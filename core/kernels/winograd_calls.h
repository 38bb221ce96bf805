#pragma once
// Calls of the minimal filtering kernels that bring the scratch memory along.

#include "core/kernels/conv.h"
#include "core/kernels/winograd_work.h"

namespace weft::kernels {

/// out = epilogue(sum over the work's sources, whose filters are packed).
void convolve_sources(const WinogradWork& work, const ConvEpilogue<float>& epilogue, float* out);
/// out = the single source, whose filters are not packed yet; the work's own list of sources is not read. `sums`, where
/// not null, are those to take over out.
void convolve_packing(const WinogradWork& work, const WinogradSource& source, const WinogradFilters& filters,
                      float* out, OutputSums* sums);
/// The gradient of one source's filters; the work's own list of sources is not read.
void weight_gradient_of(const WinogradSource& source, const WinogradWork& work, const float* dy,
                        const WinogradGradients& dw);

}  // namespace weft::kernels
