#pragma once
// How a function of tensors is computed, worked out before it runs.
//
//   eager     y = relu(bn(conv(x)))        runs as it stands
//     | capture (core/graph.h)
//   graph     what is computed, as data
//     | rules (core/plan/rules/): each replaces a pattern by an equal, faster one
//   plan      kernels chosen, constants computed, memory laid out
//     | run
//
// A plan computes what the function would: to the bit, or within the bounds that its rules state, which the tests hold
// them to. The environment variable WEFT_PLAN=off leaves all rules out, and WEFT_PLAN=-name,-name some of them.

#include <memory>
#include <string>
#include <vector>

#include "core/plan/arena.h"
#include "core/plan/constants.h"
#include "core/plan/rewrite.h"

namespace weft {

struct PlanOptions {
  /// Rules to leave out, by name; "all" leaves out all of them.
  std::vector<std::string> without = {};
  /// Rules of one's own (docs/examples/own_rule.cpp). They come first, in this order, so they see the graph as the
  /// function wrote it; the built-in rules see what they leave. `without` leaves them out too, by name or by "all".
  std::vector<Rule> more_rules = {};
  /// Of a training step: the most that peak_bytes() may be, 0: whatever is fastest. The plan computes again what it
  /// can't keep (core/plan/recompute.h); Error, with the least that would do, where even that does not suffice.
  std::int64_t memory_bytes = 0;
  /// Keeps what rules left alone, and why: refusals(). Saying it takes as long as planning.
  bool explains = false;
  /// What else is kept meanwhile, such as an optimizer's moments: part of peak_bytes().
  std::int64_t other_bytes = 0;
  /// Of an inference: parameters go as soon as all that the plan computes of them is there. Only plans that share its
  /// constants can be made of the network from then on; it can't be trained or saved any more.
  bool releases_parameters = false;
  /// Where packed weights are kept; plans of the same network that are given the same share them.
  std::shared_ptr<Constants> constants = nullptr;
};

class Plan {
 public:
  using Function = std::function<Tensor(const Tensors&)>;

  /// For running f on inputs of these types, without gradients. Parameters are read where they lie at each run; what is
  /// computed of them beforehand is computed again when they have changed. Throws Error where f can't be captured.
  static Plan inference(const Function& f, const std::vector<Shape>& inputs, const PlanOptions& options = {});
  static Plan inference(const TensorFunction& f, const std::vector<TensorType>& inputs,
                        const PlanOptions& options = {});

  /// For a training step: f's result, or its first, is the loss, a scalar. A run computes it, and the gradient of each
  /// parameter that requires one, as backward() would; these are set, not added to what was there.
  static Plan training(const Function& f, const std::vector<Shape>& inputs, const PlanOptions& options = {});
  static Plan training(const TensorFunction& f, const std::vector<TensorType>& inputs, const PlanOptions& options = {});

  /// The function's result, of inputs of the planned types. Threads may run an inference plan at once. Throws Error for
  /// other inputs, and where parameters have changed their type or shape since.
  Tensor run(const Tensors& inputs) const { return run_all(inputs)[0]; }
  /// All of its results.
  Tensors run_all(const Tensors& inputs) const;

  const Graph& graph() const { return *graph_; }
  /// Steps that rules looked at and left alone; empty without PlanOptions::explains.
  const std::vector<Refusal>& refusals() const { return refusals_; }
  /// Bytes of the one block that all that is computed on the way lies in, gradients included.
  std::int64_t arena_bytes() const { return layout_.bytes; }
  /// Bytes of all tensors that a run needs: this block, the parameters that it reads, its inputs and its results; and
  /// PlanOptions::other_bytes.
  std::int64_t peak_bytes() const { return arena_bytes() + bytes_outside(); }
  /// Bytes of what is computed of parameters beforehand, for all plans that share it.
  std::int64_t constant_bytes() const { return constants_->bytes(); }
  /// Where a value lies in that block; -1 where it does not.
  std::int64_t offset(Value value) const { return layout_.offsets[static_cast<std::size_t>(value)]; }

 private:
  Plan() = default;
  void apply_rules(const PlanOptions& options, bool is_training);
  void compute_constants(bool is_training, bool releases_parameters);
  std::int64_t bytes_outside() const;
  void lay_out(std::int64_t memory_bytes);

  std::shared_ptr<Graph> graph_;
  std::shared_ptr<Constants> constants_;
  std::vector<std::shared_ptr<Constant>> used_constants_;
  std::vector<Refusal> refusals_;
  ArenaLayout layout_;
  std::int64_t other_bytes_ = 0;
  std::size_t results_ = 0;  // outputs that are the function's; the rest are gradients
  Tensors parameters_;       // whose gradients the rest are
  std::string isa_;
};

/// Leaves out what the environment variable WEFT_PLAN says.
PlanOptions plan_options_from_environment();

}  // namespace weft
