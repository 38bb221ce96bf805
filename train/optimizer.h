#pragma once
// An optimizer turns gradients into new weights. What it remembers between steps (moments, a count of
// steps) belongs to each parameter under the parameter's name, so that a checkpoint can carry it: a run
// that is continued without its moments is another run.

#include <memory>
#include <string>
#include <vector>

#include "nn/module.h"

namespace weft {

enum class OptimizerKind { adam, adamw, sgd };

/// "adam", "adamw", "sgd"; the second form throws Error for any other name.
std::string to_string(OptimizerKind kind);
OptimizerKind optimizer_from(const std::string& name);

/// Parameters that share a learning rate: `rate_factor` times the one that step() is given.
struct ParameterGroup {
  nn::StateDict parameters;
  double rate_factor = 1;
};

class Optimizer {
 public:
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  /// Updates every parameter that holds a gradient; the others, and what is remembered of them, stay as they are.
  /// The same bits for every thread count.
  void step(double learning_rate);
  /// The same at the rate of the options that it was made with.
  void step() { step(learning_rate_); }

  /// Bytes of all that it will remember once each parameter has been updated.
  std::int64_t state_bytes() const;

  /// What a continuation needs: for each parameter that has been updated "NAME.step" (int64 scalar) and one tensor
  /// of the parameter's shape for each moment, such as "NAME.m". They share their buffers with the optimizer's.
  nn::StateDict state() const;
  /// Takes over a copy of such a state. Throws Error, and changes nothing, for a name that is not expected, a
  /// missing part, a wrong shape or type; `context` begins the message.
  void load_state(const nn::StateDict& state, const std::string& context = "optimizer state");

 protected:
  /// `moment_names`: what a subclass remembers for each parameter; `learning_rate` is for step() without one. Throws
  /// Error for a rate that is negative or no number.
  Optimizer(std::vector<ParameterGroup> groups, std::vector<std::string> moment_names, double learning_rate);

  /// One parameter's update. `moments` are in the order of their names, zero before the first step; `step` counts
  /// from 1.
  virtual void update(const Tensor& parameter, const Tensor& gradient, const Tensors& moments, std::int64_t step,
                      double learning_rate) const = 0;

 private:
  struct Slot {
    std::string name;
    Tensor parameter;
    double rate_factor;
    Tensors moments;  // empty before the first step
    std::int64_t steps = 0;
  };
  std::vector<Slot> slots_;
  const std::vector<std::string> moment_names_;
  const double learning_rate_;
};

struct OptimizerOptions {
  OptimizerKind kind = OptimizerKind::adam;
  double momentum = 0.9;  // sgd
  double weight_decay = 0;
};

/// Adam and AdamW with beta 0.9 and 0.999, epsilon 1e-8.
std::unique_ptr<Optimizer> make_optimizer(const OptimizerOptions& options, std::vector<ParameterGroup> groups);

}  // namespace weft
