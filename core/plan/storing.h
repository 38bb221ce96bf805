#pragma once
// Kernels that can do more for an image while they store it, from the registers that they store it from:
//
//   statistics      the mean and variance of each channel, for a batch norm that follows
//   before          add to what is there already: a gradient that other readers of the image have contributed to
//   gradient sums   where the image is the gradient of what a batch norm made: mask it by the clamp behind that, and
//   sum
//                   up what dgamma and dbeta are
//
// A rule gives a step such a kernel (Step::kernel); other rules then ask for the additions by name, whatever kernel it
// is: an operation with more inputs and outputs than the kernel's own,
//
//   inputs:  the kernel's, before, then h, mean, inv_std, factor, offset, y of the batch norm      (missing ones: none)
//   outputs: the kernel's, then mean and variance, or dgamma and dbeta

#include "core/kernels/batch_norm.h"
#include "core/kernels/clamp.h"
#include "core/kernels/output_sums.h"
#include "core/plan/rewrite.h"

namespace weft {

struct StoringKernel {
  const char* name;
  std::vector<Attribute> attributes;
  /// Computes the kernel's own outputs from its own inputs. To what it stores first it adds `before`, of the same
  /// shape, where that is not null (it may be where it is stored), and takes `sums` over it, where these are not null
  /// and it can: are_taken() says whether it has.
  std::function<void(const Tensors& inputs, const Tensors& outputs, const float* before, kernels::OutputSums* sums)>
      store;
  std::function<void(const Tensors& inputs, const Tensors& outputs, ProfileEntry&)> describe;
  std::size_t inputs = 1, outputs = 1;
  std::int64_t scratch_bytes = 0;  // as Operation's
  bool adds = true, takes_statistics = true, takes_gradient_sums = true;
};

/// The values that a batch norm of x is made of: its kernels' numbers a channel.
struct NormValues {
  Value x = no_value, mean = no_value, inv_std = no_value, factor = no_value, offset = no_value;

  std::vector<Value> all() const { return {x, mean, inv_std, factor, offset}; }
};

/// What is asked of a kernel beyond its own work.
struct Additions {
  bool statistics = false;
  bool gradient_sums = false;
  Clamp clamp = {};  // behind the batch norm whose gradient sums are taken
};

/// The step of a kernel without additions.
Step storing_step(std::shared_ptr<const StoringKernel> kernel, const std::vector<Value>& inputs,
                  const std::vector<Value>& outputs);
/// The operation of a kernel with additions.
Operation storing_operation(const std::shared_ptr<const StoringKernel>& kernel, const Additions& additions);
/// The same step with its inputs and outputs as above: `before` and `norm` may be missing.
Step with_additions(const Step& step, const Additions& additions, Value before, const NormValues& norm, Value y,
                    const std::vector<Value>& more_outputs);
/// What a step of a storing kernel has already: `before`, and whether it takes sums of any kind.
Value before_of(const Step& step);
bool takes_sums(const Step& step);

/// What the kernels of batch norm's gradients take, from tensors in the order of NormValues; y and dy may be undefined.
kernels::BatchNormBackward<float> norm_problem(const Tensor& dy, const Tensors& in, std::size_t first, const Tensor& y,
                                               Clamp clamp);

}  // namespace weft
