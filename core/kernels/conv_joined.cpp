#include "core/kernels/conv_joined.h"

#include "core/kernels/conv_winograd.h"
#include "core/kernels/isa.h"
#include "core/kernels/winograd_calls.h"

namespace weft::kernels {
namespace {

WinogradForm form_of(const JoinedConvProblem& p) { return same_form(p.conv.c_in, p.conv.c_out); }

std::int64_t packed_floats(const JoinedConvProblem& p, std::int64_t channels) {
  return isa_kernels().winograd_packed_floats(form_of(p), channels, p.conv.c_out);
}

WinogradSource source_of(const JoinedConvProblem& p, const float* x, std::int64_t channels, const float* packed) {
  return {form_of(p), x, p.conv.h, p.conv.w, channels, p.conv.padding_h, packed};
}

}  // namespace

bool joined_conv_is_preferred(const JoinedConvProblem& p) {
  return conv_winograd_form(choose_conv(p.conv)) == form_of(p);
}

std::int64_t joined_conv_packed_floats(const JoinedConvProblem& p) {
  return packed_floats(p, p.c_first) + packed_floats(p, p.c_second());
}

void joined_conv_pack(const JoinedConvProblem& p, const float* w, float* packed) {
  const std::int64_t step = 9 * p.conv.c_in;
  isa_kernels().winograd_pack(form_of(p), p.c_first, p.conv.c_out, {w, step, 9, false}, packed);
  isa_kernels().winograd_pack(form_of(p), p.c_second(), p.conv.c_out, {w + 9 * p.c_first, step, 9, false},
                              packed + packed_floats(p, p.c_first));
}

void joined_conv_forward(const JoinedConvProblem& p, const float* a, const float* b, const float* packed,
                         const ConvEpilogue<float>& epilogue, float* y) {
  const WinogradSource sources[] = {source_of(p, a, p.c_first, packed),
                                    source_of(p, b, p.c_second(), packed + packed_floats(p, p.c_first))};
  convolve_sources({p.conv.n, p.conv.out_h(), p.conv.out_w(), p.conv.c_out, sources, 2}, epilogue, y);
}

}  // namespace weft::kernels
