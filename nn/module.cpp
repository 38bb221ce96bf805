#include "nn/module.h"

#include <map>

#include "core/autograd.h"

namespace weft::nn {

Tensor Module::register_parameter(const std::string& name, const Tensor& initial) {
  initial.set_requires_grad(true);
  parameters_.push_back({name, initial});
  return initial;
}

Tensor Module::register_buffer(const std::string& name, const Tensor& initial) {
  buffers_.push_back({name, initial});
  return initial;
}

void Module::collect(const std::string& prefix, Kind kind, StateDict& into) const {
  if (kind != Kind::buffer) {
    for (const auto& [name, tensor] : parameters_) into.push_back({prefix + name, tensor});
  }
  if (kind != Kind::parameter) {
    for (const auto& [name, tensor] : buffers_) into.push_back({prefix + name, tensor});
  }
  for (const auto& [name, child] : children_) child->collect(prefix + name + ".", kind, into);
}

StateDict Module::named(Kind kind) const {
  StateDict all;
  collect("", kind, all);
  return all;
}

std::int64_t Module::parameter_count() const {
  std::int64_t count = 0;
  for (const auto& [name, tensor] : named_parameters()) count += tensor.count();
  return count;
}

void Module::load_state_dict(const StateDict& state, const std::string& context) const {
  std::map<std::string, Tensor> given;
  for (const auto& [name, tensor] : state) {
    WEFT_CHECK(given.emplace(name, tensor).second, "{}: tensor {} occurs twice", context, name);
  }

  const auto own = state_dict();
  std::string problems;
  for (const auto& [name, tensor] : own) {
    const auto found = given.find(name);
    if (found == given.end()) {
      if (!name.ends_with("num_batches_tracked")) problems += fmt::format("; missing {} {}", name, tensor.shape());
    } else if (found->second.shape() != tensor.shape()) {
      problems += fmt::format("; {} is {}, expected {}", name, found->second.shape(), tensor.shape());
    } else if ((found->second.dtype() == DType::i64) != (tensor.dtype() == DType::i64)) {
      problems +=
          fmt::format("; {} is {}, expected {}", name, dtype_name(found->second.dtype()), dtype_name(tensor.dtype()));
    }
  }
  std::map<std::string, Tensor> own_names;
  for (const auto& [name, tensor] : own) own_names.emplace(name, tensor);
  for (const auto& [name, tensor] : given) {
    if (!own_names.contains(name)) problems += fmt::format("; unexpected {} {}", name, tensor.shape());
  }
  WEFT_CHECK(problems.empty(), "{}: does not fit the network{}", context, problems);

  for (const auto& [name, tensor] : own) {
    const auto found = given.find(name);
    if (found == given.end()) continue;
    tensor.copy_from(found->second.dtype() == tensor.dtype() ? found->second : found->second.to(tensor.dtype()));
  }
}

void Module::to(DType dtype) const {
  for (const auto& [name, tensor] : state_dict()) {
    if (tensor.dtype() != DType::i64) tensor.replace(tensor.to(dtype));
  }
}

void Module::train(bool on) {
  training_ = on;
  for (const auto& [name, child] : children_) child->train(on);
}

void Module::set_frozen(bool frozen) {
  frozen_ = frozen;
  for (const auto& [name, tensor] : parameters_) tensor.set_requires_grad(!frozen);
  for (const auto& [name, child] : children_) child->set_frozen(frozen);
}

void Module::zero_grad() const {
  for (const auto& [name, tensor] : named_parameters()) tensor.zero_grad();
}

}  // namespace weft::nn
