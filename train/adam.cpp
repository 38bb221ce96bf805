#include "train/adam.h"

#include <cmath>

#include "core/parallel.h"

namespace weft {

Adam::Adam(std::vector<ParameterGroup> groups, const AdamOptions& options)
    : Optimizer(std::move(groups), {"m", "v"}, options.rate), options_(options) {
  for (double beta : {options.beta1, options.beta2})
    WEFT_CHECK(beta >= 0 && beta < 1, "[adam] expected betas in [0, 1), got {}", beta);
  WEFT_CHECK(options.epsilon >= 0, "[adam] expected epsilon >= 0, got {}", options.epsilon);
  WEFT_CHECK(options.weight_decay >= 0, "[adam] expected weight decay >= 0, got {}", options.weight_decay);
}

Adam::Adam(nn::StateDict parameters, const AdamOptions& options)
    : Adam(std::vector<ParameterGroup>{{std::move(parameters)}}, options) {}

void Adam::update(const Tensor& parameter, const Tensor& gradient, const Tensors& moments, std::int64_t step,
                  double learning_rate) const {
  const double t = static_cast<double>(step);
  const double correction1 = 1 - std::pow(options_.beta1, t), correction2 = 1 - std::pow(options_.beta2, t);

  dispatch_float(parameter.dtype(), "adam", [&](auto zero) {
    using T = decltype(zero);
    const T b1 = static_cast<T>(options_.beta1), rest1 = static_cast<T>(1 - options_.beta1);
    const T b2 = static_cast<T>(options_.beta2), rest2 = static_cast<T>(1 - options_.beta2);
    // sqrt(v) / root2 + eps, times root2: one division a number instead of two. They are what limits the rate.
    const double root2 = std::sqrt(correction2);
    const T rate = static_cast<T>(learning_rate / correction1 * root2);
    const T epsilon = static_cast<T>(options_.epsilon * root2);
    const T coupled = static_cast<T>(options_.decoupled ? 0 : options_.weight_decay);
    const T shrink = static_cast<T>(options_.decoupled ? 1 - learning_rate * options_.weight_decay : 1);
    const T* grad = gradient.data<T>();
    T* theta = parameter.mutable_data<T>();
    T* m = moments[0].mutable_data<T>();
    T* v = moments[1].mutable_data<T>();

    parallel_chunks(parameter.count(), elementwise_grain, [=](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        const T g = grad[i] + coupled * theta[i];
        m[i] = b1 * m[i] + rest1 * g;
        v[i] = b2 * v[i] + rest2 * g * g;
        theta[i] = shrink * theta[i] - rate * m[i] / (std::sqrt(v[i]) + epsilon);
      }
    });
  });
}

}  // namespace weft
