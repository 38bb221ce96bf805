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

void Module::check_state_dict(const std::vector<NamedShape>& state, const std::string& context) const {
  std::map<std::string, const NamedShape*> given;
  for (const NamedShape& entry : state) {
    WEFT_CHECK(given.emplace(entry.name, &entry).second, "{}: tensor {} occurs twice", context, entry.name);
  }

  std::string problems;
  for (const auto& [name, tensor] : state_dict()) {
    const auto found = given.find(name);
    if (found == given.end()) {
      if (!name.ends_with("num_batches_tracked")) problems += fmt::format("; missing {} {}", name, tensor.shape());
      continue;
    }
    const NamedShape& entry = *found->second;
    if (entry.shape != tensor.shape()) {
      problems += fmt::format("; {} is {}, expected {}", name, entry.shape, tensor.shape());
    } else if ((entry.dtype == DType::i64) != (tensor.dtype() == DType::i64)) {
      problems += fmt::format("; {} is {}, expected {}", name, dtype_name(entry.dtype), dtype_name(tensor.dtype()));
    }
    given.erase(found);
  }
  for (const auto& [name, entry] : given) problems += fmt::format("; unexpected {} {}", name, entry->shape);
  WEFT_CHECK(problems.empty(), "{}: does not fit the network{}", context, problems);
}

void Module::load_state_dict(const StateDict& state, const std::string& context) const {
  std::vector<NamedShape> shapes;
  for (const auto& [name, tensor] : state) shapes.push_back({name, tensor.shape(), tensor.dtype()});
  check_state_dict(shapes, context);

  std::map<std::string, Tensor> own;
  for (const auto& [name, tensor] : state_dict()) own.emplace(name, tensor);
  for (const auto& [name, tensor] : state) {
    const Tensor& target = own.at(name);
    target.copy_from(tensor.dtype() == target.dtype() ? tensor : tensor.to(target.dtype()));
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
