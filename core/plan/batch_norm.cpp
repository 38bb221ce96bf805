#include "core/plan/batch_norm.h"

#include "core/ops/batch_norm.h"
#include "core/plan/convolution.h"

namespace weft {
namespace {

std::vector<Attribute> clamp_attributes(Clamp clamp, std::vector<Attribute> more = {}) {
  add_clamp(more, clamp);
  return more;
}

}  // namespace

Operation channel_numbers_operation(double epsilon) {
  const auto run = [epsilon](const Tensors& in, const Tensors& out) {
    const ChannelNumbers k = channel_numbers(in[0], in[1], in[2], in[3], epsilon);
    out[0].copy_from(k.inv_std), out[1].copy_from(k.factor), out[2].copy_from(k.offset);
  };
  return {.name = "channel_numbers", .run = run, .attributes = {{"epsilon", epsilon}}};
}

Operation normalise_operation(Clamp clamp) {
  const auto run = [clamp](const Tensors& in, const Tensors& out) {
    kernels::scale_shift(in[0].data<float>(), floats_or_null(in[3]), in[0].count() / in[0].size(3), in[0].size(3),
                         in[1].data<float>(), in[2].data<float>(), clamp, out[0].mutable_data<float>());
  };
  return {.name = "normalise", .run = run, .attributes = clamp_attributes(clamp), .may_overwrite = 0};
}

Operation normalise_sums_operation(Clamp clamp, bool stores_dz) {
  const auto run = [clamp, stores_dz](const Tensors& in, const Tensors& out) {
    const std::size_t first = stores_dz ? 1 : 0;
    kernels::batch_norm_parameter_gradients(norm_problem(in[0], in, 1, in[6], clamp), out[first].mutable_data<float>(),
                                            out[first + 1].mutable_data<float>(),
                                            stores_dz ? out[0].mutable_data<float>() : nullptr);
  };
  return {.name = "normalise_sums",
          .run = run,
          .attributes = clamp_attributes(clamp, {{"stores_dz", stores_dz ? 1.0 : 0.0}}),
          .may_overwrite = stores_dz ? 0 : -1};
}

Operation normalise_gradient_operation(Clamp clamp, bool training) {
  const auto run = [clamp, training](const Tensors& in, const Tensors& out) {
    kernels::batch_norm_input_gradient(norm_problem(in[0], in, 1, Tensor(), clamp), in[6].data<float>(),
                                       in[7].data<float>(), training, out[0].mutable_data<float>());
  };
  return {.name = "normalise_gradient",
          .run = run,
          .attributes = clamp_attributes(clamp, {{"training", training ? 1.0 : 0.0}}),
          .may_overwrite = 0};
}

}  // namespace weft
