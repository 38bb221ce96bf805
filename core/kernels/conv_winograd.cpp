#include "core/kernels/conv_winograd.h"

#include <algorithm>

#include "core/check.h"
#include "core/kernels/isa.h"
#include "core/kernels/winograd_calls.h"

namespace weft::kernels {
namespace {

constexpr std::int64_t min_channels = 8;  // fewer leave the products too thin to pay for the transforms
constexpr std::int64_t max_narrow_side = 32, max_wide_side = 192;

WinogradSource source_of(WinogradForm form, const ConvProblem& p, const float* x, const float* packed) {
  return {form, x, p.h, p.w, p.c_in, p.padding_h, packed};
}

WinogradSource source_of(WinogradForm form, const ConvProblem& p, const PixelSource& x, const float* packed) {
  if (x.kind == PixelSource::Kind::stored) return source_of(form, p, x.values, packed);
  WEFT_CHECK(x.kind == PixelSource::Kind::normalised, "[conv2d] Winograd's kernels don't make gradients");
  WinogradSource source = source_of(form, p, x.norm.x, packed);
  source.norm = {x.norm.factor, x.norm.offset, x.norm.clamp};
  return source;
}

}  // namespace

bool prefers_six(std::int64_t c_in, std::int64_t c_out) {
  return std::min(c_in, c_out) <= max_narrow_side && std::max(c_in, c_out) <= max_wide_side;
}

WinogradForm same_form(std::int64_t c_in, std::int64_t c_out) {
  return prefers_six(c_in, c_out) ? WinogradForm::same_six : WinogradForm::same;
}

bool conv_winograd_supports(const ConvProblem& p) {
  return p.kernel_h == 3 && p.kernel_w == 3 && p.stride_h == 1 && p.stride_w == 1 && p.dilation_h == 1 &&
         p.dilation_w == 1 && p.groups == 1 && p.padding_h == p.padding_w && p.padding_h <= 2 &&
         p.c_in >= min_channels && p.c_out >= min_channels && p.output_count() > 0;
}

bool conv_winograd_six_supports(const ConvProblem& p) {
  return conv_winograd_supports(p) && prefers_six(p.c_in, p.c_out);
}

template <WinogradForm form>
std::int64_t conv_winograd_packed_floats(const ConvProblem& p) {
  return isa_kernels().winograd_packed_floats(form, p.c_in, p.c_out);
}

template <WinogradForm form>
void conv_winograd_pack(const ConvProblem& p, const float* w, float* packed) {
  isa_kernels().winograd_pack(form, p.c_in, p.c_out, {w, 9 * p.c_in, 9, false}, packed);
}

template <WinogradForm form>
void conv_winograd_forward(const ConvProblem& p, const float* x, const float* packed,
                           const ConvEpilogue<float>& epilogue, float* y) {
  conv_winograd_forward_made<form>(p, stored_pixels(x, p.c_in), packed, epilogue, y);
}

template <WinogradForm form>
void conv_winograd_forward_made(const ConvProblem& p, const PixelSource& x, const float* packed,
                                const ConvEpilogue<float>& epilogue, float* y) {
  const WinogradSource source = source_of(form, p, x, packed);
  convolve_sources({p.n, p.out_h(), p.out_w(), p.c_out, &source, 1}, epilogue, y);
}

std::optional<WinogradForm> conv_winograd_form(const ConvAlgorithm& algorithm) {
  if (algorithm.forward == conv_winograd_forward<WinogradForm::same>) return WinogradForm::same;
  if (algorithm.forward == conv_winograd_forward<WinogradForm::same_six>) return WinogradForm::same_six;
  return std::nullopt;
}

std::int64_t conv_winograd_tile(WinogradForm form) { return isa_kernels().winograd_tile(form); }

void conv_winograd_forward_rows(WinogradForm form, const ConvProblem& p, const float* x, std::int64_t x_row,
                                std::int64_t x_rows, const float* packed, const ConvEpilogue<float>& epilogue,
                                std::int64_t row, std::int64_t rows, float* y) {
  WinogradSource source = source_of(form, p, x, packed);
  source.h = x_rows;
  source.first_row = row - x_row;
  convolve_sources({1, rows, p.out_w(), p.c_out, &source, 1}, epilogue, y);
}

template <WinogradForm form>
void conv_winograd_input_gradient(const ConvProblem& p, const float* dy, const float* w,
                                  const ConvEpilogue<float>& epilogue, float* dx) {
  const WinogradSource source = {form, dy, p.out_h(), p.out_w(), p.c_out, 2 - p.padding_h, nullptr};
  convolve_packing({p.n, p.h, p.w, p.c_in, nullptr, 0}, source, {w, 9, 9 * p.c_in, true}, epilogue, dx);
}

template <WinogradForm form>
void conv_winograd_weight_gradient(const ConvProblem& p, const float* x, const float* dy, float* dw) {
  conv_winograd_weight_gradient_made<form>(p, stored_pixels(x, p.c_in), dy, dw);
}

template <WinogradForm form>
void conv_winograd_weight_gradient_made(const ConvProblem& p, const PixelSource& x, const float* dy, float* dw) {
  weight_gradient_of(source_of(form, p, x, nullptr), {p.n, p.out_h(), p.out_w(), p.c_out, nullptr, 0}, dy,
                     {dw, 9 * p.c_in});
}

#define WEFT_INSTANTIATE(form)                                                                               \
  template std::int64_t conv_winograd_packed_floats<form>(const ConvProblem&);                               \
  template void conv_winograd_pack<form>(const ConvProblem&, const float*, float*);                          \
  template void conv_winograd_forward<form>(const ConvProblem&, const float*, const float*,                  \
                                            const ConvEpilogue<float>&, float*);                             \
  template void conv_winograd_forward_made<form>(const ConvProblem&, const PixelSource&, const float*,       \
                                                 const ConvEpilogue<float>&, float*);                        \
  template void conv_winograd_input_gradient<form>(const ConvProblem&, const float*, const float*,           \
                                                   const ConvEpilogue<float>&, float*);                      \
  template void conv_winograd_weight_gradient<form>(const ConvProblem&, const float*, const float*, float*); \
  template void conv_winograd_weight_gradient_made<form>(const ConvProblem&, const PixelSource&, const float*, float*);
WEFT_INSTANTIATE(WinogradForm::same)
WEFT_INSTANTIATE(WinogradForm::same_six)
#undef WEFT_INSTANTIATE

}  // namespace weft::kernels
