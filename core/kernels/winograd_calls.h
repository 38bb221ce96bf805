#pragma once
// Calls of the minimal filtering kernels that bring the scratch memory along.

#include "core/kernels/conv.h"
#include "core/kernels/winograd_work.h"

namespace weft::kernels {

/// out = epilogue(sum over the work's sources, whose filters are packed).
void convolve_sources(const WinogradWork& work, const ConvEpilogue<float>& epilogue, float* out);
/// out = epilogue(the single source), whose filters are not packed yet; the work's own list of sources is not read.
void convolve_packing(const WinogradWork& work, const WinogradSource& source, const WinogradFilters& filters,
                      const ConvEpilogue<float>& epilogue, float* out);
/// The gradient of one source's filters; the work's own list of sources is not read.
void weight_gradient_of(const WinogradSource& source, const WinogradWork& work, const float* dy,
                        const WinogradGradients& dw);

}  // namespace weft::kernels
