#include "train/sgd.h"

#include "core/parallel.h"

namespace weft {

Sgd::Sgd(std::vector<ParameterGroup> groups, const SgdOptions& options)
    : Optimizer(std::move(groups), {"m"}, options.rate), options_(options) {
  WEFT_CHECK(options.momentum >= 0 && options.momentum < 1, "[sgd] expected a momentum in [0, 1), got {}",
             options.momentum);
  WEFT_CHECK(options.weight_decay >= 0, "[sgd] expected weight decay >= 0, got {}", options.weight_decay);
}

Sgd::Sgd(nn::StateDict parameters, const SgdOptions& options)
    : Sgd(std::vector<ParameterGroup>{{std::move(parameters)}}, options) {}

void Sgd::update(const Tensor& parameter, const Tensor& gradient, const Tensors& moments, std::int64_t,
                 double learning_rate) const {
  dispatch_float(parameter.dtype(), "sgd", [&](auto zero) {
    using T = decltype(zero);
    const T momentum = static_cast<T>(options_.momentum), decay = static_cast<T>(options_.weight_decay);
    const T rate = static_cast<T>(learning_rate);
    const T* grad = gradient.data<T>();
    T* theta = parameter.mutable_data<T>();
    T* m = moments[0].mutable_data<T>();

    // m is zero before the first step, so the first m is g without a special case.
    parallel_chunks(parameter.count(), elementwise_grain, [=](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        m[i] = momentum * m[i] + (grad[i] + decay * theta[i]);
        theta[i] -= rate * m[i];
      }
    });
  });
}

}  // namespace weft
