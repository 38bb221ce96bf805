#pragma once
// What the tests of plans and of rules share.

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <set>
#include <string>

#include "core/ops.h"
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
  const Plan plan = Plan::inference(network.f, types_of(network.inputs), options);
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

}  // namespace weft::test
