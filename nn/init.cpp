#include "nn/init.h"

#include <cmath>

namespace weft::nn {
namespace {

struct Fans {
  double in, out;
};

Fans fans(const Tensor& weight) {
  WEFT_CHECK(weight.rank() >= 2, "[init] expected a weight of rank 2 or more, got {}", weight.shape());
  const std::int64_t receptive = weight.count() / (weight.size(0) * weight.size(1));
  return {static_cast<double>(weight.size(1) * receptive), static_cast<double>(weight.size(0) * receptive)};
}

template <class Draw>
void fill_with(const Tensor& weight, Draw&& draw) {
  dispatch_float(weight.dtype(), "init", [&](auto zero) {
    using T = decltype(zero);
    T* values = weight.mutable_data<T>();
    for (std::int64_t i = 0; i < weight.count(); ++i) values[i] = static_cast<T>(draw());
  });
}

void uniform(const Tensor& weight, double bound, Random random) {
  fill_with(weight, [&] { return random.uniform(-bound, bound); });
}

}  // namespace

void kaiming_uniform_fan_in(const Tensor& weight, Random random) {
  uniform(weight, std::sqrt(6.0 / fans(weight).in), random);
}

void kaiming_normal_fan_out(const Tensor& weight, Random random) {
  normal(weight, std::sqrt(2.0 / fans(weight).out), random);
}

void xavier_uniform(const Tensor& weight, Random random) {
  uniform(weight, std::sqrt(6.0 / (fans(weight).in + fans(weight).out)), random);
}

void normal(const Tensor& weight, double deviation, Random random) {
  fill_with(weight, [&] { return deviation * random.normal(); });
}

namespace {

void initialise(const Module& module, const std::string& prefix, std::uint64_t seed) {
  double bound = 0;  // of this layer; 0 where it is a normalisation, or only holds others
  for (const auto& [name, tensor] : module.own_parameters())
    if (tensor.rank() >= 2) bound = 1 / std::sqrt(fans(tensor).in);
  for (const auto& [name, tensor] : module.own_parameters())
    if (bound > 0) uniform(tensor, bound, parameter_stream(seed, prefix + name));
  for (const auto& [name, child] : module.children()) initialise(*child, prefix + name + ".", seed);
}

}  // namespace

void initialise(const Module& network, std::uint64_t seed) { initialise(network, "", seed); }

Random parameter_stream(std::uint64_t seed, std::string_view name) { return Random(seed, {hash_text(name)}); }

}  // namespace weft::nn
