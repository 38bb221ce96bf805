// add(others, dx)  =  dx's kernel, adding to what is there
//
// Where an image went to several readers, its gradient is a sum. The kernel that makes the last contribution adds the
// others while it stores, in their place. The same sums and bits (a + b = b + a). Applies in float32 where only the sum
// reads the contribution, and the others are there before it. Gains a pass that reads two images and writes one.

#include "core/plan/rules/rules.h"
#include "core/plan/training_kernels.h"

namespace weft {
namespace {

/// Makes `dx`, the contribution, a sum with `others`.
bool join(Rewrite& r, const Step* sum, Value others, Value dx) {
  Graph& g = r.graph;
  const Step* maker = g.maker(dx);
  if (maker == nullptr || g.only_reader(dx) != sum || maker->outputs[0] != dx) return false;
  const Kernel kernel = kernel_of(r, *maker);
  if (kernel == nullptr || !kernel->adds || maker->operation.name == std::string_view("conv2d")) return false;
  if (maker->inputs.size() != kernel->inputs || maker->outputs.size() != kernel->outputs)
    return false;  // it does more already
  const Step* others_maker = g.maker(others);
  if (others_maker != nullptr && !g.is_before(others_maker, maker)) return false;
  Step step = *maker;
  step.kernel = kernel;
  Step more = with_additions(step, {}, others, {}, no_value, {});
  more.outputs[0] = sum->outputs[0];
  r.put(maker, more, {maker, sum});
  g.remove(sum);
  g.remove(maker);
  return true;
}

}  // namespace

void add_where_it_lies(Rewrite& rewrite) {
  for (const Step* sum : steps_named(rewrite.graph, "add")) {
    const Graph& g = rewrite.graph;
    const Value a = sum->inputs[0], b = sum->inputs[1];
    if (a == b || g.shape(a) != g.shape(b) || !rewrite.is_float(a)) continue;
    if (join(rewrite, sum, a, b) || join(rewrite, sum, b, a)) continue;
    rewrite.no(sum, "no kernel that adds makes the later of the two, for it alone");
  }
}

}  // namespace weft
