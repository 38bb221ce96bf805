#include "core/kernels/conv_winograd.h"

#include "core/allocator.h"
#include "core/kernels/isa.h"

namespace weft::kernels {
namespace {

constexpr std::int64_t min_channels = 8;  // fewer leave the products too thin to pay for the transforms

/// Transforms the filters and convolves one source with them.
void convolve(const WinogradWork& work, WinogradSource source, const WinogradFilters& filters,
              const ConvEpilogue<float>& epilogue, float* out) {
  const IsaKernels& isa = isa_kernels();
  const std::int64_t packed_floats = isa.winograd_packed_floats(source.form, source.c, work.out_c);
  WinogradWork whole = work;
  whole.sources = &source;
  whole.source_count = 1;
  ScratchBuffer scratch(static_cast<std::size_t>(packed_floats + isa.winograd_scratch(whole)) * sizeof(float));
  isa.winograd_pack(source.form, source.c, work.out_c, filters, scratch.as<float>());
  source.packed = scratch.as<float>();
  isa.winograd_convolve(whole, epilogue, scratch.as<float>() + packed_floats, out);
}

}  // namespace

bool conv_winograd_supports(const ConvProblem& p) {
  return p.kernel_h == 3 && p.kernel_w == 3 && p.stride_h == 1 && p.stride_w == 1 && p.dilation_h == 1 &&
         p.dilation_w == 1 && p.groups == 1 && p.padding_h == p.padding_w && p.padding_h <= 2 &&
         p.c_in >= min_channels && p.c_out >= min_channels && p.output_count() > 0;
}

void conv_winograd_forward(const ConvProblem& p, const float* x, const float* w, const ConvEpilogue<float>& epilogue,
                           float* y) {
  const WinogradSource source = {WinogradForm::same, x, p.h, p.w, p.c_in, p.padding_h, nullptr};
  convolve({p.n, p.out_h(), p.out_w(), p.c_out, nullptr, 0}, source, {w, 9 * p.c_in, 9, false}, epilogue, y);
}

void conv_winograd_input_gradient(const ConvProblem& p, const float* dy, const float* w, float* dx) {
  const WinogradSource source = {WinogradForm::same, dy, p.out_h(), p.out_w(), p.c_out, 2 - p.padding_h, nullptr};
  convolve({p.n, p.h, p.w, p.c_in, nullptr, 0}, source, {w, 9, 9 * p.c_in, true}, {}, dx);
}

void conv_winograd_weight_gradient(const ConvProblem& p, const float* x, const float* dy, float* dw) {
  const IsaKernels& isa = isa_kernels();
  const WinogradSource source = {WinogradForm::same, x, p.h, p.w, p.c_in, p.padding_h, nullptr};
  const WinogradWork work = {p.n, p.out_h(), p.out_w(), p.c_out, &source, 1};
  ScratchBuffer scratch(static_cast<std::size_t>(isa.winograd_weight_gradient_scratch(source, work)) * sizeof(float));
  isa.winograd_weight_gradient(source, work, dy, scratch.as<float>(), {dw, 9 * p.c_in, 9});
}

}  // namespace weft::kernels
