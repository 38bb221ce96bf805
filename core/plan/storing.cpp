#include "core/plan/storing.h"

#include "core/plan/convolution.h"

namespace weft {
namespace {

constexpr std::size_t norm_inputs = 6;  // h, mean, inv_std, factor, offset, y

/// `in` without what the additions brought.
Tensors own(const Tensors& in, std::size_t count) {
  return {in.begin(), in.begin() + static_cast<std::ptrdiff_t>(count)};
}

Tensor at(const Tensors& in, std::size_t i) { return i < in.size() ? in[i] : Tensor(); }

void store_with_statistics(const StoringKernel& k, const Tensors& in, const Tensors& out) {
  const Tensor &image = out[0], &mean = out[k.outputs], &var = out[k.outputs + 1];
  kernels::OutputStatistics sums(image.size(-1));
  k.store(own(in, k.inputs), own(out, k.outputs), floats_or_null(at(in, k.inputs)), &sums);
  if (sums.are_taken()) {
    sums.result(mean.mutable_data<float>(), var.mutable_data<float>());
  } else {  // not all kernels take them
    kernels::batch_norm_statistics(image.data<float>(), image.count() / image.size(-1), image.size(-1),
                                   mean.mutable_data<float>(), var.mutable_data<float>());
  }
}

void store_with_gradient_sums(const StoringKernel& k, Clamp clamp, const Tensors& in, const Tensors& out) {
  const Tensor &image = out[0], &dgamma = out[k.outputs], &dbeta = out[k.outputs + 1];
  const std::size_t first = k.inputs + 1;
  const Tensor y = at(in, first + norm_inputs - 1);
  kernels::GradientSums sums(norm_problem(Tensor(), in, first, y, clamp));
  k.store(own(in, k.inputs), own(out, k.outputs), floats_or_null(in[k.inputs]), &sums);
  if (sums.are_taken()) {
    sums.result(dgamma.mutable_data<float>(), dbeta.mutable_data<float>());
  } else {
    kernels::batch_norm_parameter_gradients(norm_problem(image, in, first, y, clamp), dgamma.mutable_data<float>(),
                                            dbeta.mutable_data<float>(),
                                            clips(clamp) ? image.mutable_data<float>() : nullptr);
  }
}

}  // namespace

kernels::BatchNormBackward<float> norm_problem(const Tensor& dy, const Tensors& in, std::size_t first, const Tensor& y,
                                               Clamp clamp) {
  const Tensor& x = in[first];
  return {.rows = x.count() / x.size(3),
          .channels = x.size(3),
          .x = x.data<float>(),
          .y = floats_or_null(y),
          .dy = floats_or_null(dy),
          .mean = in[first + 1].data<float>(),
          .inv_std = in[first + 2].data<float>(),
          .factor = in[first + 3].data<float>(),
          .offset = in[first + 4].data<float>(),
          .clamp = clamp};
}

Operation storing_operation(const std::shared_ptr<const StoringKernel>& kernel, const Additions& additions) {
  const auto run = [kernel, additions](const Tensors& in, const Tensors& out) {
    const StoringKernel& k = *kernel;
    if (additions.statistics) return store_with_statistics(k, in, out);
    if (additions.gradient_sums) return store_with_gradient_sums(k, additions.clamp, in, out);
    k.store(own(in, k.inputs), own(out, k.outputs), floats_or_null(at(in, k.inputs)), nullptr);
  };
  const auto describe = [kernel](const Tensors& in, const Tensors& out, ProfileEntry& entry) {
    if (kernel->describe) kernel->describe(own(in, kernel->inputs), own(out, kernel->outputs), entry);
  };
  Operation operation{.name = kernel->name,
                      .run = run,
                      .attributes = kernel->attributes,
                      .describe = describe,
                      .scratch_bytes = kernel->scratch_bytes};
  if (additions.statistics) operation.attributes.push_back({"statistics", 1});
  if (additions.gradient_sums) {
    operation.attributes.push_back({"gradient_sums", 1});
    add_clamp(operation.attributes, additions.clamp);
  }
  return operation;
}

Step storing_step(std::shared_ptr<const StoringKernel> kernel, const std::vector<Value>& inputs,
                  const std::vector<Value>& outputs) {
  Step step{storing_operation(kernel, {}), inputs, outputs};
  step.kernel = std::move(kernel);
  return step;
}

Step with_additions(const Step& step, const Additions& additions, Value before, const NormValues& norm, Value y,
                    const std::vector<Value>& more_outputs) {
  const StoringKernel& k = *step.kernel;
  Step more{storing_operation(step.kernel, additions), {}, {}};
  more.kernel = step.kernel;
  more.inputs.assign(step.inputs.begin(), step.inputs.begin() + static_cast<std::ptrdiff_t>(k.inputs));
  more.outputs.assign(step.outputs.begin(), step.outputs.begin() + static_cast<std::ptrdiff_t>(k.outputs));
  if (before != no_value || additions.gradient_sums) more.inputs.push_back(before);
  if (additions.gradient_sums) {
    const auto numbers = norm.all();
    more.inputs.insert(more.inputs.end(), numbers.begin(), numbers.end());
    more.inputs.push_back(y);
  }
  if (before != no_value) more.operation.may_overwrite = static_cast<int>(k.inputs);
  more.outputs.insert(more.outputs.end(), more_outputs.begin(), more_outputs.end());
  return more;
}

Value before_of(const Step& step) {
  return step.inputs.size() > step.kernel->inputs ? step.inputs[step.kernel->inputs] : no_value;
}

bool takes_sums(const Step& step) { return step.outputs.size() > step.kernel->outputs; }

}  // namespace weft
