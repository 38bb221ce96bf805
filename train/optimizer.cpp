#include "train/optimizer.h"

#include <map>
#include <set>

#include "core/profile.h"
#include "train/adam.h"
#include "train/sgd.h"

namespace weft {

std::string to_string(OptimizerKind kind) {
  switch (kind) {
    case OptimizerKind::adam:
      return "adam";
    case OptimizerKind::adamw:
      return "adamw";
    default:
      return "sgd";
  }
}

OptimizerKind optimizer_from(const std::string& name) {
  for (OptimizerKind kind : {OptimizerKind::adam, OptimizerKind::adamw, OptimizerKind::sgd}) {
    if (to_string(kind) == name) return kind;
  }
  fail("unknown optimizer '{}'; there are adam, adamw, sgd", name);
}

Optimizer::Optimizer(std::vector<ParameterGroup> groups, std::vector<std::string> moment_names, double learning_rate)
    : moment_names_(std::move(moment_names)), learning_rate_(learning_rate) {
  WEFT_CHECK(learning_rate >= 0, "[optimizer] expected a learning rate >= 0, got {}", learning_rate);
  std::set<std::string> names;
  for (const ParameterGroup& group : groups) {
    for (const auto& [name, tensor] : group.parameters) {
      WEFT_CHECK(names.insert(name).second, "[optimizer] parameter {} is given twice", name);
      slots_.push_back({name, tensor, group.rate_factor, {}, 0});
    }
  }
}

void Optimizer::step(double learning_rate) {
  const ProfileScope scope([&](ProfileEntry& entry) {
    entry.op = "optimizer";
    entry.shapes = fmt::format("{} parameters", slots_.size());
    // Read the gradient; read and write the weights and each moment.
    for (const Slot& slot : slots_)
      entry.bytes += slot.parameter.bytes() * static_cast<std::int64_t>(3 + 2 * moment_names_.size());
  });
  for (Slot& slot : slots_) {
    const Tensor gradient = slot.parameter.grad();
    if (!gradient.defined()) continue;
    if (slot.moments.empty()) {
      for (std::size_t i = 0; i < moment_names_.size(); ++i) {
        slot.moments.push_back(Tensor::zeros(slot.parameter.shape(), slot.parameter.dtype()));
      }
    }
    ++slot.steps;
    update(slot.parameter, gradient, slot.moments, slot.steps, learning_rate * slot.rate_factor);
  }
}

std::int64_t Optimizer::state_bytes() const {
  std::int64_t bytes = 0;
  for (const Slot& slot : slots_) bytes += slot.parameter.bytes() * static_cast<std::int64_t>(moment_names_.size());
  return bytes;
}

nn::StateDict Optimizer::state() const {
  nn::StateDict state;
  for (const Slot& slot : slots_) {
    if (slot.steps == 0) continue;
    state.push_back({slot.name + ".step", Tensor::full({}, static_cast<double>(slot.steps), DType::i64)});
    for (std::size_t i = 0; i < moment_names_.size(); ++i)
      state.push_back({slot.name + "." + moment_names_[i], slot.moments[i]});
  }
  return state;
}

void Optimizer::load_state(const nn::StateDict& state, const std::string& context) {
  std::map<std::string, Tensor> given;
  for (const auto& [name, tensor] : state)
    WEFT_CHECK(given.emplace(name, tensor).second, "{}: {} occurs twice", context, name);

  std::vector<Slot> loaded = slots_;
  for (Slot& slot : loaded) {
    slot.moments.clear();
    slot.steps = 0;
    const auto count = given.find(slot.name + ".step");
    if (count == given.end()) continue;
    WEFT_CHECK(count->second.dtype() == DType::i64 && count->second.count() == 1, "{}: {} is not one int64", context,
               count->first);
    slot.steps = count->second.data<std::int64_t>()[0];
    WEFT_CHECK(slot.steps >= 1, "{}: {} is {}, expected at least 1", context, count->first, slot.steps);
    given.erase(count);
    for (const std::string& moment : moment_names_) {
      const auto found = given.find(slot.name + "." + moment);
      WEFT_CHECK(found != given.end(), "{}: {}.{} is missing", context, slot.name, moment);
      const Tensor& value = found->second;
      WEFT_CHECK(value.shape() == slot.parameter.shape() && value.dtype() == slot.parameter.dtype(),
                 "{}: {} is {} {}, expected {} {}", context, found->first, dtype_name(value.dtype()), value.shape(),
                 dtype_name(slot.parameter.dtype()), slot.parameter.shape());
      slot.moments.push_back(value.clone());
      given.erase(found);
    }
  }
  WEFT_CHECK(given.empty(), "{}: {} belongs to no parameter of this optimizer", context, given.begin()->first);
  slots_ = std::move(loaded);
}

std::unique_ptr<Optimizer> make_optimizer(const OptimizerOptions& options, std::vector<ParameterGroup> groups) {
  if (options.kind == OptimizerKind::sgd) {
    return std::make_unique<Sgd>(std::move(groups),
                                 SgdOptions{.momentum = options.momentum, .weight_decay = options.weight_decay});
  }
  return std::make_unique<Adam>(std::move(groups), AdamOptions{.weight_decay = options.weight_decay,
                                                               .decoupled = options.kind == OptimizerKind::adamw});
}

}  // namespace weft
