#pragma once
// Starting values for weights. A fan is the number of values that one output (fan in) or one input
// (fan out) is connected to: for weight [Cout, Cin / groups, KH, KW], fan in = Cin / groups KH KW and
// fan out = Cout KH KW, as PyTorch counts them.

#include <string_view>

#include "core/random.h"
#include "core/tensor.h"

namespace weft::nn {

/// Uniform in +-sqrt(6 / fan in): keeps the variance through ReLU layers. He et al. 2015, arXiv:1502.01852.
void kaiming_uniform_fan_in(const Tensor& weight, Random random);
/// Normal with deviation sqrt(2 / fan out), as torchvision starts its encoders.
void kaiming_normal_fan_out(const Tensor& weight, Random random);
/// Uniform in +-sqrt(6 / (fan in + fan out)). Glorot & Bengio 2010.
void xavier_uniform(const Tensor& weight, Random random);
/// Normal with the given deviation.
void normal(const Tensor& weight, double deviation, Random random);

/// The stream of random numbers for the parameter of that full name: each parameter has its own, so
/// that a network's other parameters don't change when a layer is added.
Random parameter_stream(std::uint64_t seed, std::string_view name);

}  // namespace weft::nn
