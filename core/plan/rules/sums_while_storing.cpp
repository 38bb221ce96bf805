// dy = a kernel's, (dz, dgamma, dbeta) = normalise_sums(dy, h, ...)  =  (dz, dgamma, dbeta) from one kernel
//
// The backward pass of a batch norm begins with two sums over the gradient of its output, masked by the clamp behind
// it. The kernel that stores that gradient takes them from the registers that it stores it from, and stores dz instead
// of dy (core/kernels/output_sums.h). Equal up to the order of additions, about 1e-6 of the sums. Applies in float32
// where the kernel makes the whole gradient, and nobody needs dy unmasked. Gains a pass that reads two images.

#include "core/plan/batch_norm.h"
#include "core/plan/convolution.h"
#include "core/plan/rules/rules.h"
#include "core/plan/training_kernels.h"

namespace weft {
namespace {

bool replace(Rewrite& r, const Step* sums) {
  Graph& g = r.graph;
  const Value dy = sums->inputs[0];
  const Clamp clamp = clamp_of(sums->operation);
  const bool stores_dz = sums->operation.attribute("stores_dz") != 0;
  const Step* maker = g.maker(dy);
  const Kernel kernel = maker != nullptr ? kernel_of(r, *maker) : nullptr;
  if (kernel == nullptr || !kernel->takes_gradient_sums || maker->outputs[0] != dy ||
      maker->operation.name == std::string_view("conv2d"))
    return r.no(sums, maker != nullptr ? std::string("no kernel takes them of what ") + maker->operation.name + " makes"
                                       : "its output's gradient is given");
  if (maker->outputs.size() != kernel->outputs) return r.no(sums, "the kernel takes other sums already");
  const Step* gradient = nullptr;  // reads dy and masks it
  for (const Step* reader : g.readers(dy)) {
    if (is_named(reader, "normalise_gradient") && reader->inputs[0] == dy && reader->inputs[6] == sums->outputs[0])
      gradient = reader;
  }
  const int own_readers = 1 + (!stores_dz && gradient != nullptr ? 1 : 0);
  const bool replaces_dy = clips(clamp) || stores_dz;
  if (replaces_dy && g.uses(dy) != own_readers) return r.no(sums, "the gradient is needed unmasked");
  const NormValues norm = norm_of_gradient(*sums);
  const std::size_t first = stores_dz ? 1 : 0;
  const Value dgamma = sums->outputs[first], dbeta = sums->outputs[first + 1];

  Step step = *maker;
  step.kernel = kernel;
  Step more = with_additions(step, {.gradient_sums = true, .clamp = clamp}, before_of(step), norm, sums->inputs[6],
                             {dgamma, dbeta});
  if (stores_dz) more.outputs[0] = sums->outputs[0];
  r.put(maker, more, {maker, sums});
  g.remove(sums);
  g.remove(maker);
  if (gradient != nullptr && clips(clamp_of(gradient->operation))) {
    r.put(gradient,
          {normalise_gradient_operation(no_clamp, gradient->operation.attribute("training") != 0), gradient->inputs,
           gradient->outputs},
          {gradient});
    g.remove(gradient);
  }
  return true;
}

}  // namespace

void sums_while_storing(Rewrite& rewrite) {
  for (const Step* sums : steps_named(rewrite.graph, "normalise_sums")) replace(rewrite, sums);
}

}  // namespace weft
