#include "core/kernels/conv_upsample.h"

#include "core/kernels/conv_winograd.h"
#include "core/kernels/isa.h"
#include "core/kernels/winograd_calls.h"

namespace weft::kernels {
namespace {

// More filters, transformed, fill L2, and are then waited for as long as the wide form's fewer products save (measured
// with 64 -> 32 and 128 -> 64 channels; with 32 -> 16 it takes 13 % less time).
constexpr std::int64_t max_wide_filters = 512;

/// Sources of one output have tiles of one size.
bool is_six(const UpsampleConvProblem& p) { return prefers_six(p.c_up + p.c_skip, p.c_out); }

/// The form that computes y. The wide one's tiles are of another size than the skip's.
WinogradForm output_form(const UpsampleConvProblem& p) {
  if (p.c_skip == 0 && p.c_up * p.c_out <= max_wide_filters) return WinogradForm::upsampled_wide;
  return is_six(p) ? WinogradForm::upsampled_six : WinogradForm::upsampled;
}

WinogradForm skip_form(const UpsampleConvProblem& p) { return same_form(p.c_up + p.c_skip, p.c_out); }

WinogradSource upsampled_source(const UpsampleConvProblem& p, WinogradForm form, const float* x, const float* packed) {
  return {form, x, p.h, p.w, p.c_up, 1, packed};
}

WinogradSource skip_source(const UpsampleConvProblem& p, const float* skip, const float* packed) {
  return {skip_form(p), skip, 2 * p.h, 2 * p.w, p.c_skip, 1, packed};
}

/// The work whose output is y.
WinogradWork output_work(const UpsampleConvProblem& p, const WinogradSource* sources, std::int64_t count) {
  return {p.n, 2 * p.h, 2 * p.w, p.c_out, sources, count};
}

std::int64_t filter_step(const UpsampleConvProblem& p) { return 9 * (p.c_up + p.c_skip); }

std::int64_t packed_up_floats(const UpsampleConvProblem& p) {
  return isa_kernels().winograd_packed_floats(output_form(p), p.c_up, p.c_out);
}

}  // namespace

ConvProblem UpsampleConvProblem::joined() const {
  ConvProblem joined;
  joined.n = n, joined.h = 2 * h, joined.w = 2 * w;
  joined.c_in = c_up + c_skip, joined.c_out = c_out;
  joined.kernel_h = joined.kernel_w = 3;
  joined.padding_h = joined.padding_w = 1;
  return joined;
}

UpsampleConvProblem UpsampleConvProblem::of_joined(const ConvProblem& joined) {
  return {joined.n, joined.h / 2, joined.w / 2, joined.c_in, 0, joined.c_out};
}

bool upsample_conv_is_preferred(const UpsampleConvProblem& p) {
  return conv_winograd_form(choose_conv(p.joined())).has_value();
}

std::int64_t upsample_conv_packed_floats(const UpsampleConvProblem& p) {
  return packed_up_floats(p) + isa_kernels().winograd_packed_floats(skip_form(p), p.c_skip, p.c_out);
}

void upsample_conv_pack(const UpsampleConvProblem& p, const float* w, float* packed) {
  const IsaKernels& isa = isa_kernels();
  isa.winograd_pack(output_form(p), p.c_up, p.c_out, {w, filter_step(p), 9, false}, packed);
  isa.winograd_pack(skip_form(p), p.c_skip, p.c_out, {w + 9 * p.c_up, filter_step(p), 9, false},
                    packed + packed_up_floats(p));
}

void upsample_conv_forward(const UpsampleConvProblem& p, const float* x, const float* skip, const float* packed,
                           const ConvEpilogue<float>& epilogue, float* y) {
  const WinogradSource sources[] = {upsampled_source(p, output_form(p), x, packed),
                                    skip_source(p, skip, packed + packed_up_floats(p))};
  convolve_sources(output_work(p, sources, p.c_skip > 0 ? 2 : 1), epilogue, y);
}

std::int64_t upsample_conv_tile(const UpsampleConvProblem& p) { return isa_kernels().winograd_tile(output_form(p)); }

void upsample_conv_forward_rows(const UpsampleConvProblem& p, const float* x, const float* packed,
                                const ConvEpilogue<float>& epilogue, std::int64_t row, std::int64_t rows, float* y) {
  WinogradSource source = upsampled_source(p, output_form(p), x, packed);
  source.first_row = row / 2;
  convolve_sources({1, rows, 2 * p.w, p.c_out, &source, 1}, epilogue, y);
}

void upsample_conv_input_gradient(const UpsampleConvProblem& p, const float* dy, const float* w,
                                  const ConvEpilogue<float>& epilogue, float* dx) {
  // Where the channels are so few that y has tiles of eight, `pooled` is as fast, with fewer filters.
  const WinogradForm form =
      output_form(p) == WinogradForm::upsampled_six ? WinogradForm::pooled_six : WinogradForm::pooled;
  const WinogradSource source = {form, dy, 2 * p.h, 2 * p.w, p.c_out, 1, nullptr};
  convolve_packing({p.n, p.h, p.w, p.c_up, nullptr, 0}, source, {w, 9, filter_step(p), false}, epilogue, dx);
}

void upsample_conv_skip_gradient(const UpsampleConvProblem& p, const float* dy, const float* w,
                                 const ConvEpilogue<float>& epilogue, float* dskip) {
  const WinogradSource source = {skip_form(p), dy, 2 * p.h, 2 * p.w, p.c_out, 1, nullptr};
  convolve_packing({p.n, 2 * p.h, 2 * p.w, p.c_skip, nullptr, 0}, source, {w + 9 * p.c_up, 9, filter_step(p), true},
                   epilogue, dskip);
}

void upsample_conv_weight_gradient(const UpsampleConvProblem& p, const float* x, const float* skip, const float* dy,
                                   float* dw) {
  const WinogradWork work = output_work(p, nullptr, 0);
  const WinogradForm form = is_six(p) ? WinogradForm::upsampled_six : WinogradForm::upsampled;
  weight_gradient_of(upsampled_source(p, form, x, nullptr), work, dy, {dw, filter_step(p)});
  if (p.c_skip == 0) return;
  weight_gradient_of(skip_source(p, skip, nullptr), work, dy, {dw + 9 * p.c_up, filter_step(p)});
}

}  // namespace weft::kernels
