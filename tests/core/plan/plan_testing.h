#pragma once
// What the tests of plans and of rules share.

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <set>
#include <string>

#include "core/kernels/isa.h"
#include "core/ops.h"
#include "core/parallel.h"
#include "core/plan/plan.h"
#include "tests/core/graph_testing.h"

namespace weft::test {

/// WEFT_PLAN with that value while this lives; unset for null.
class PlanEnvironment {
 public:
  explicit PlanEnvironment(const char* value) {
    if (const char* before = std::getenv("WEFT_PLAN")) before_ = before;
    set(value);
  }
  ~PlanEnvironment() { set(before_ ? before_->c_str() : nullptr); }
  PlanEnvironment(const PlanEnvironment&) = delete;
  PlanEnvironment& operator=(const PlanEnvironment&) = delete;

 private:
  static void set(const char* value) { value == nullptr ? unsetenv("WEFT_PLAN") : setenv("WEFT_PLAN", value, 1); }
  std::optional<std::string> before_;
};

/// How many steps of a plan a rule had a part in.
inline int applied(const Plan& plan, const std::string& rule) {
  int count = 0;
  for (const Step& step : plan.graph().steps())
    count += static_cast<int>(std::count(step.rules.begin(), step.rules.end(), rule));
  return count;
}

/// Why a rule left steps alone, in order.
inline std::vector<std::string> refusals_of(const Plan& plan, const std::string& rule) {
  std::vector<std::string> reasons;
  for (const Refusal& refusal : plan.refusals()) {
    if (refusal.rule == rule) reasons.push_back(refusal.reason);
  }
  return reasons;
}

/// All rules but these.
inline PlanOptions only(std::initializer_list<const char*> rules) {
  PlanOptions options;
  for (const Rule& rule : plan_rules()) {
    const auto is_it = [&](const char* name) { return std::string(name) == rule.name; };
    if (std::none_of(rules.begin(), rules.end(), is_it)) options.without.emplace_back(rule.name);
  }
  return options;
}

/// The same, and refusals() says what was left alone.
inline PlanOptions explained(PlanOptions options) {
  options.explains = true;
  return options;
}

/// A function of images and the inputs to try it on.
struct Network {
  GraphFunction f;
  Tensors inputs;
};

inline std::vector<TensorType> types_of(const Tensors& tensors) {
  std::vector<TensorType> types;
  for (const Tensor& t : tensors) types.push_back(type_of(t));
  return types;
}

/// The inference plan, whose results must be those of f run as it stands: within `bound` of each one's range, or the
/// same bits where that is 0.
inline Plan check_planned(const Network& network, double bound, const PlanOptions& options = {}) {
  const NoGrad no_grad;
  const Plan plan = Plan::inference(network.f, types_of(network.inputs), explained(options));
  const Tensors got = plan.run_all(network.inputs), expected = network.f(network.inputs);
  REQUIRE(got.size() == expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    INFO("result " << i << " of\n" << plan.graph().to_string());
    if (bound == 0) {
      CHECK(equal(got[i], expected[i]));
    } else {
      CHECK(relative_difference(got[i], expected[i]) <= bound);
    }
  }
  return plan;
}

/// One image in, one out.
inline Plan check_planned(const std::function<Tensor(const Tensor&)>& f, const Tensor& x, double bound,
                          const PlanOptions& options = {}) {
  return check_planned({[&](const Tensors& in) { return Tensors{f(in[0])}; }, {x}}, bound, options);
}

/// A network that a rule must leave alone, for that reason.
inline void check_refused(const char* rule, const std::string& reason, const Network& network,
                          const PlanOptions& options = {}) {
  INFO(rule << " on a network that it must refuse: " << reason);
  const Plan plan = check_planned(network, 1e-5, options);
  CHECK(applied(plan, rule) == 0);
  const auto reasons = refusals_of(plan, rule);
  CAPTURE(reasons);
  CHECK(std::count(reasons.begin(), reasons.end(), reason) > 0);
}
inline void check_refused(const char* rule, const std::string& reason, const std::function<Tensor(const Tensor&)>& f,
                          const Tensor& x, const PlanOptions& options = {}) {
  check_refused(rule, reason, {[&](const Tensors& in) { return Tensors{f(in[0])}; }, {x}}, options);
}

/// Batch norm's tensors, with values as if trained.
struct Norm {
  Tensor gamma, beta, mean, var;
  explicit Norm(std::int64_t channels, DType dtype = DType::f32)
      : gamma(random_tensor({channels}, dtype)),
        beta(random_tensor({channels}, dtype)),
        mean(random_tensor({channels}, dtype)),
        var(add_scalar(abs(random_tensor({channels}, dtype)), 0.5)) {}
  Tensor operator()(const Tensor& x, bool training = false, double epsilon = 1e-5) const {
    return batch_norm(x, gamma, beta, mean, var, {.training = training, .epsilon = epsilon});
  }
};

// ---- steps of training ----

/// The parameters of a network that learns, and the statistics that its steps move.
struct Learner {
  Tensors parameters, statistics;

  /// A filter, or another parameter, of deviation 1 / sqrt(fan in).
  Tensor weight(const Shape& shape) {
    const double fan_in = static_cast<double>(shape.count() / shape[0]);
    parameters.push_back(scale(random_f32(shape), 1 / std::sqrt(fan_in)).set_requires_grad(true));
    return parameters.back();
  }
  Norm norm(std::int64_t channels) {
    const Norm made = frozen_norm(channels);
    for (const Tensor& t : {made.gamma, made.beta}) parameters.push_back(t.set_requires_grad(true));
    return made;
  }
  /// Its gamma and beta don't learn.
  Norm frozen_norm(std::int64_t channels) {
    const Norm made(channels, DType::f32);
    statistics.insert(statistics.end(), {made.mean, made.var});
    return made;
  }
};

/// A loss, and what else f returns.
struct TrainingStep {
  GraphFunction f;
  Tensors inputs;
  const Learner& learner;
};

/// What a run of the step leaves: its results, the gradients of the parameters (empty where there is none), and the
/// statistics, which are then put back.
inline Tensors left_by(const TrainingStep& step, const std::function<Tensors()>& run) {
  Tensors before, left;
  for (const Tensor& t : step.learner.statistics) before.push_back(t.clone());
  for (const Tensor& p : step.learner.parameters) p.zero_grad();
  for (const Tensor& t : run()) left.push_back(t.detach().clone());
  for (const Tensor& p : step.learner.parameters) {
    left.push_back(p.grad().defined() ? p.grad().clone() : Tensor::zeros({0}, p.dtype()));
    p.zero_grad();
  }
  for (std::size_t i = 0; i < before.size(); ++i) {
    left.push_back(step.learner.statistics[i].clone());
    step.learner.statistics[i].copy_from(before[i]);
  }
  return left;
}
inline Tensors left_by_eager(const TrainingStep& step) {
  return left_by(step, [&] {
    Tensors results = step.f(step.inputs);
    results[0].backward();
    return results;
  });
}
inline Tensors left_by_plan(const TrainingStep& step, const Plan& plan) {
  return left_by(step, [&] { return plan.run_all(step.inputs); });
}

inline Plan training_plan(const TrainingStep& step, const PlanOptions& options = {}) {
  return Plan::training(step.f, types_of(step.inputs), explained(options));
}

inline void check_agree(const Tensors& got, const Tensors& expected, double bound) {
  REQUIRE(got.size() == expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    INFO("result, gradient or statistic " << i << " of " << got.size() << ": " << expected[i].shape().to_string());
    if (bound == 0) {
      CHECK(equal(got[i], expected[i]));
    } else if (i == 0) {  // the loss, a mean of numbers around 1 that may cancel
      CHECK(std::abs(got[i].to(DType::f64).item() - expected[i].to(DType::f64).item()) <= bound);
    } else {
      CHECK(relative_difference(got[i], expected[i]) <= bound);
    }
  }
}

/// The plan of a step, which must leave what eager does: within `bound` of each tensor's range, or the same bits where
/// that is 0; and the same bits for any number of threads.
inline Plan check_trained(const TrainingStep& step, double bound, const PlanOptions& options = {}) {
  const Plan plan = training_plan(step, options);
  INFO(plan.graph().to_string());
  for (const Step& made : plan.graph().steps())
    CHECK(made.operation.may_overwrite < static_cast<int>(made.inputs.size()));
  const int before = num_threads();
  set_num_threads(1);
  const Tensors got = left_by_plan(step, plan);
  check_agree(got, left_by_eager(step), bound);
  for (int threads : {2, 3}) {
    INFO(threads << " threads");
    set_num_threads(threads);
    check_agree(left_by_plan(step, plan), got, 0);
  }
  set_num_threads(before);
  return plan;
}

/// A rule that changes no bits, upon others that may: held against the plan without it.
inline Plan check_same_bits(const TrainingStep& step, const PlanOptions& options, const PlanOptions& without) {
  Plan plan = check_trained(step, 1e-4, options);
  INFO(plan.graph().to_string());
  check_agree(left_by_plan(step, plan), left_by_plan(step, training_plan(step, without)), 0);
  return plan;
}

/// A step that a rule must leave alone, for that reason; for none where it sees no pattern at all.
inline Plan check_step_refused(const char* rule, const std::string& reason, const TrainingStep& step,
                               const PlanOptions& options = {}) {
  INFO(rule << " on a step that it must refuse: " << reason);
  Plan plan = check_trained(step, 1e-4, options);
  INFO(plan.graph().to_string());
  CHECK(applied(plan, rule) == 0);
  const auto reasons = refusals_of(plan, rule);
  CAPTURE(reasons);
  CHECK((reason.empty() ? reasons.empty() : std::count(reasons.begin(), reasons.end(), reason) > 0));
  return plan;
}

/// A loss that pulls each element of y in a direction of its own.
inline Tensor pulled(const Tensor& y, const Tensor& directions) { return mean(multiply(tanh(y), directions)); }

using ImageFunction = std::function<Tensor(const Tensor&)>;

/// A step whose loss is what f makes of an image, all of it pulled one way: for f that end in no batch norm alone.
inline TrainingStep step_of_mean(const Learner& learner, const Tensor& x, const ImageFunction& f) {
  return {[f](const Tensors& in) { return Tensors{mean(tanh(f(in[0])))}; }, {x}, learner};
}

/// Options of 3x3 convolutions that a decoder's kernels don't have; groups divide 16 and 24 channels.
inline const std::vector<Conv2dOptions> no_decoders_options = {{.stride = 2, .padding = 1},
                                                               {.padding = 0},
                                                               {.padding = 2},
                                                               {.padding = 1, .dilation = 2},
                                                               {.padding = 1, .groups = 4}};

/// f with each instruction set's kernels.
inline void on_each_isa(const std::function<void()>& f) {
  const std::string before = kernels::isa_name();
  for (const std::string& name : kernels::available_isas()) {
    INFO("kernels of " << name);
    kernels::select_isa(name);
    f();
  }
  kernels::select_isa(before);
}

}  // namespace weft::test
