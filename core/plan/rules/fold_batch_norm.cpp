// batch_norm(conv2d(x, w, b), mean, var, gamma, beta)  in evaluation mode
//   =  conv2d(x, (gamma / s) w, (gamma / s) (b - mean) + beta)                        s = sqrt(var + epsilon)
//
// Equal up to rounding: a few roundings a weight, 1e-6 of the output's range in tests/core/plan/. Applies where the
// convolution's output has no other use: a gradient of the batch norm would be one. Gains one pass over the image.

#include "core/plan/rules/rules.h"

#include <cmath>

namespace weft {
namespace {

Operation fold_weight(double epsilon) {
  const auto run = [epsilon](const Tensors& in, const Tensors& out) {
    dispatch_float(in[0].dtype(), "fold_weight", [&](auto zero) {
      using T = decltype(zero);
      const T *w = in[0].data<T>(), *gamma = in[1].data<T>(), *var = in[2].data<T>();
      T* folded = out[0].mutable_data<T>();
      const std::int64_t filters = in[0].size(0), filter = in[0].count() / filters;
      for (std::int64_t k = 0; k < filters; ++k) {
        const T factor = gamma[k] / std::sqrt(var[k] + static_cast<T>(epsilon));
        for (std::int64_t i = k * filter; i < (k + 1) * filter; ++i) folded[i] = factor * w[i];
      }
    });
  };
  return {.name = "fold_weight", .run = run, .attributes = {{"epsilon", epsilon}}};
}

Operation fold_bias(double epsilon) {
  const auto run = [epsilon](const Tensors& in, const Tensors& out) {
    dispatch_float(out[0].dtype(), "fold_bias", [&](auto zero) {
      using T = decltype(zero);
      const T* b = in[0].defined() ? in[0].data<T>() : nullptr;
      const T *mean = in[1].data<T>(), *var = in[2].data<T>(), *gamma = in[3].data<T>(), *beta = in[4].data<T>();
      T* folded = out[0].mutable_data<T>();
      for (std::int64_t k = 0; k < out[0].count(); ++k) {
        const T factor = gamma[k] / std::sqrt(var[k] + static_cast<T>(epsilon));
        folded[k] = beta[k] + factor * ((b != nullptr ? b[k] : T(0)) - mean[k]);
      }
    });
  };
  return {.name = "fold_bias", .run = run, .attributes = {{"epsilon", epsilon}}};
}

bool fold(Rewrite& r, const Step* bn) {
  Graph& g = r.graph;
  if (bn->operation.attribute("training") != 0) return r.no(bn, "it normalises by the batch's own statistics");
  const Step* conv = g.maker(bn->inputs[0]);
  if (!is_named(conv, "conv2d")) return r.no(bn, "its input is no convolution's output");
  if (g.only_reader(conv->outputs[0]) != bn) return r.no(bn, "the convolution's output is used elsewhere");
  const double epsilon = bn->operation.attribute("epsilon");
  const Value w = conv->inputs[1], b = conv->inputs[2];
  const Value mean = bn->inputs[1], var = bn->inputs[2], gamma = bn->inputs[3], beta = bn->inputs[4];
  const Value folded_w = g.add_value(g.type(w)), folded_b = g.add_value(g.type(beta));
  r.put(bn, {fold_weight(epsilon), {w, gamma, var}, {folded_w}}, {});
  r.put(bn, {fold_bias(epsilon), {b, mean, var, gamma, beta}, {folded_b}}, {});
  const Step folded{conv->operation, {conv->inputs[0], folded_w, folded_b}, bn->outputs};
  r.put(bn, folded, {conv, bn});
  g.remove(bn);
  g.remove(conv);
  return true;
}

}  // namespace

void fold_batch_norm(Rewrite& rewrite) {
  for (const Step* bn : steps_named(rewrite.graph, "batch_norm")) fold(rewrite, bn);
}

}  // namespace weft
