// h = conv2d(x, w), (mean, var) = channel_statistics(h)  =  (h, mean, var) from one kernel
//
// The convolution's kernel sums up what it stores, from the registers that it stores it from
// (core/kernels/output_sums.h). Equal to about 1e-6 of the statistics: they are joined from other parts. Applies in
// float32 to every convolution; a kernel that takes no sums is followed by the pass that would have been. Gains a pass
// over h.

#include "core/plan/rules/rules.h"
#include "core/plan/training_kernels.h"

namespace weft {
namespace {

bool replace(Rewrite& r, const Step* statistics) {
  Graph& g = r.graph;
  const Step* maker = g.maker(statistics->inputs[0]);
  if (maker == nullptr) return r.no(statistics, "what it is of is given");
  const Kernel kernel = kernel_of(r, *maker);
  if (kernel == nullptr || !kernel->takes_statistics || maker->outputs.size() != kernel->outputs)
    return r.no(statistics, std::string("no kernel of ") + maker->operation.name + " takes them");
  Step step = *maker;
  step.kernel = kernel;
  r.put(maker, with_additions(step, {.statistics = true}, no_value, {}, no_value, statistics->outputs),
        {maker, statistics});
  g.remove(statistics);
  g.remove(maker);
  return true;
}

}  // namespace

void statistics_while_storing(Rewrite& rewrite) {
  for (const Step* statistics : steps_named(rewrite.graph, "channel_statistics")) replace(rewrite, statistics);
}

}  // namespace weft
