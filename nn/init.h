#pragma once
// Starting values for weights. A fan is the number of values that one output (fan in) or one input
// (fan out) is connected to: for weight [Cout, Cin / groups, KH, KW], fan in = Cin / groups KH KW and
// fan out = Cout KH KW, as PyTorch counts them.

#include <string_view>

#include "core/random.h"
#include "nn/module.h"

namespace weft::nn {

/// Uniform in +-sqrt(6 / fan in): keeps the variance through ReLU layers. He et al. 2015, arXiv:1502.01852.
void kaiming_uniform_fan_in(const Tensor& weight, Random random);
/// Normal with deviation sqrt(2 / fan out), as torchvision starts its encoders.
void kaiming_normal_fan_out(const Tensor& weight, Random random);
/// Uniform in +-sqrt(6 / (fan in + fan out)). Glorot & Bengio 2010.
void xavier_uniform(const Tensor& weight, Random random);
/// Normal with the given deviation.
void normal(const Tensor& weight, double deviation, Random random);

/// Starting values for every layer of a network, as PyTorch's layers start: weights of convolutions and linear layers,
/// and their biases, uniform in +-1 / sqrt(fan in), which is Kaiming's bound for a leaky ReLU of slope sqrt(5).
/// Normalisations keep their 1 and 0. Equal seeds give equal bits on every machine.
void initialise(const Module& network, std::uint64_t seed);

/// The stream of random numbers for the parameter of that full name: each parameter has its own, so
/// that a network's other parameters don't change when a layer is added.
Random parameter_stream(std::uint64_t seed, std::string_view name);

}  // namespace weft::nn
