#include "core/kernels/conv_winograd.h"

#include "core/kernels/isa.h"
#include "core/kernels/winograd_calls.h"

namespace weft::kernels {
namespace {

constexpr std::int64_t min_channels = 8;  // fewer leave the products too thin to pay for the transforms

WinogradSource same_source(const ConvProblem& p, const float* x, const float* packed) {
  return {WinogradForm::same, x, p.h, p.w, p.c_in, p.padding_h, packed};
}

}  // namespace

bool conv_winograd_supports(const ConvProblem& p) {
  return p.kernel_h == 3 && p.kernel_w == 3 && p.stride_h == 1 && p.stride_w == 1 && p.dilation_h == 1 &&
         p.dilation_w == 1 && p.groups == 1 && p.padding_h == p.padding_w && p.padding_h <= 2 &&
         p.c_in >= min_channels && p.c_out >= min_channels && p.output_count() > 0;
}

std::int64_t conv_winograd_packed_floats(const ConvProblem& p) {
  return isa_kernels().winograd_packed_floats(WinogradForm::same, p.c_in, p.c_out);
}

void conv_winograd_pack(const ConvProblem& p, const float* w, float* packed) {
  isa_kernels().winograd_pack(WinogradForm::same, p.c_in, p.c_out, {w, 9 * p.c_in, 9, false}, packed);
}

void conv_winograd_forward(const ConvProblem& p, const float* x, const float* packed,
                           const ConvEpilogue<float>& epilogue, float* y) {
  const WinogradSource source = same_source(p, x, packed);
  convolve_sources({p.n, p.out_h(), p.out_w(), p.c_out, &source, 1}, epilogue, y);
}

void conv_winograd_input_gradient(const ConvProblem& p, const float* dy, const float* w, float* dx) {
  const WinogradSource source = {WinogradForm::same, dy, p.out_h(), p.out_w(), p.c_out, 2 - p.padding_h, nullptr};
  convolve_packing({p.n, p.h, p.w, p.c_in, nullptr, 0}, source, {w, 9, 9 * p.c_in, true}, dx);
}

void conv_winograd_weight_gradient(const ConvProblem& p, const float* x, const float* dy, float* dw) {
  weight_gradient_of(same_source(p, x, nullptr), {p.n, p.out_h(), p.out_w(), p.c_out, nullptr, 0}, dy,
                     {dw, 9 * p.c_in, 9});
}

}  // namespace weft::kernels
