// conv2d(x, w)  =  conv2d_packed(x, pack(w))          w constant
//
// The same kernel on the same filters, put into its order once instead of at each run: the same bits. Gains what
// packing costs: for Winograd's transformed filters, several times the weights' size.

#include "core/plan/convolution.h"
#include "core/plan/rules/rules.h"

namespace weft {
namespace {

bool pack(Rewrite& r, const Step* step) {
  Graph& g = r.graph;
  const ConvolutionStep conv = convolution_of(r, step);
  if (!conv) return r.no(step, "only float32's kernels pack their filters");
  if (!r.is_constant(conv.weight())) return r.no(step, "its weight changes from run to run");
  const kernels::ConvAlgorithm& algorithm = kernels::choose_conv(conv.problem);
  const Value packed = g.add_value({{algorithm.packed_floats(conv.problem)}, DType::f32});
  r.put(step, {weft::pack_filters(conv.problem, algorithm), {conv.weight()}, {packed}}, {});
  r.put(step,
        {conv2d_packed(conv.problem, algorithm, conv.options(), conv.clamp),
         {conv.x(), packed, conv.bias(), conv.residual()},
         step->outputs},
        {step});
  g.remove(step);
  return true;
}

}  // namespace

void pack_filters(Rewrite& rewrite) { replace_convolutions(rewrite, pack); }

}  // namespace weft
