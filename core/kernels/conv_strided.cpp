#include "core/kernels/conv_strided.h"

#include "core/kernels/isa.h"
#include "core/kernels/winograd_calls.h"

namespace weft::kernels {
namespace {

constexpr std::int64_t min_channels = 8;

WinogradSource strided_source(const ConvProblem& p, const float* x, const float* packed) {
  return {WinogradForm::strided, x, p.h, p.w, p.c_in, 1, packed};
}

}  // namespace

bool conv_strided_supports(const ConvProblem& p) {
  return p.kernel_h == 3 && p.kernel_w == 3 && p.stride_h == 2 && p.stride_w == 2 && p.padding_h == 1 &&
         p.padding_w == 1 && p.dilation_h == 1 && p.dilation_w == 1 && p.groups == 1 && p.c_in >= min_channels &&
         p.c_out >= min_channels && p.output_count() > 0;
}

std::int64_t conv_strided_packed_floats(const ConvProblem& p) {
  return isa_kernels().winograd_packed_floats(WinogradForm::strided, p.c_in, p.c_out);
}

void conv_strided_pack(const ConvProblem& p, const float* w, float* packed) {
  isa_kernels().winograd_pack(WinogradForm::strided, p.c_in, p.c_out, {w, 9 * p.c_in, 9, false}, packed);
}

void conv_strided_forward(const ConvProblem& p, const float* x, const float* packed,
                          const ConvEpilogue<float>& epilogue, float* y) {
  const WinogradSource source = strided_source(p, x, packed);
  convolve_sources({p.n, p.out_h(), p.out_w(), p.c_out, &source, 1}, epilogue, y);
}

void conv_strided_input_gradient(const ConvProblem& p, const float* dy, const float* w,
                                 const ConvEpilogue<float>& epilogue, float* dx) {
  const WinogradSource source = {WinogradForm::spread, dy, p.out_h(), p.out_w(), p.c_out, 0, nullptr};
  convolve_packing({p.n, p.h, p.w, p.c_in, nullptr, 0}, source, {w, 9, 9 * p.c_in, false}, epilogue, dx);
}

void conv_strided_weight_gradient(const ConvProblem& p, const float* x, const float* dy, float* dw) {
  weight_gradient_of(strided_source(p, x, nullptr), {p.n, p.out_h(), p.out_w(), p.c_out, nullptr, 0}, dy,
                     {dw, 9 * p.c_in});
}

}  // namespace weft::kernels
