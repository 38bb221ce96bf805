#include "core/plan/constants.h"

#include <algorithm>

#include "core/kernels/isa.h"

namespace weft {

Constant::Constant(const Graph& graph, const Step& step) : key_(kernels::isa_name()) { add_part(graph, step); }

/// Adds a step after those that it needs, and returns its place.
std::size_t Constant::add_part(const Graph& graph, const Step& step) {
  Part part{step.operation, {}, {}};
  for (const Value v : step.inputs) {
    if (v == no_value) {
      part.inputs.push_back({});
    } else if (graph.is_fixed(v)) {
      part.inputs.push_back({graph.fixed(v)});
      const auto is_same = [&](const Tensor& t) { return t.identity() == graph.fixed(v).identity(); };
      if (std::none_of(sources_.begin(), sources_.end(), is_same)) sources_.push_back(graph.fixed(v));
    } else {
      const Step* maker = graph.maker(v);
      const auto output = std::find(maker->outputs.begin(), maker->outputs.end(), v) - maker->outputs.begin();
      part.inputs.push_back({Tensor(), add_part(graph, *maker), static_cast<std::size_t>(output)});
    }
  }
  key_ += fmt::format(" {}", step.operation.name);
  for (const Attribute& a : step.operation.attributes) key_ += fmt::format(" {}={}", a.name, a.value);
  for (const Input& input : part.inputs) {
    key_ += input.fixed.defined() ? fmt::format(" {} {}", input.fixed.identity(), input.fixed.shape())
                                  : fmt::format(" {}.{}", input.part, input.output);
  }
  for (const Value v : step.outputs) {
    const TensorType& type = graph.type(v);
    part.outputs.push_back(type);
    key_ += fmt::format(" {} {}", dtype_name(type.dtype), type.shape);  // reshape and sums have no other attribute
  }
  parts_.push_back(std::move(part));
  return parts_.size() - 1;
}

std::uint64_t Constant::version() const {
  // Versions only grow, so their sum changes exactly when one of them does.
  std::uint64_t sum = 0;
  for (const Tensor& source : sources_) sum += source.version();
  return sum;
}

void Constant::refresh() {
  const bool is_complete =
      std::all_of(sources_.begin(), sources_.end(), [](const Tensor& t) { return t.has_numbers(); });
  if (is_computed() && (!is_complete || version() == computed_version_)) return;
  WEFT_CHECK(is_complete, "[plan] {} needs weights that were let go of: the network is for inference only",
             parts_.back().operation.name);
  std::vector<Tensors> made;
  for (const Part& part : parts_) {
    Tensors inputs;
    for (const Input& input : part.inputs)
      inputs.push_back(input.part == nowhere ? input.fixed : made[input.part][input.output]);
    const bool is_last = &part == &parts_.back();
    Tensors outputs = is_last ? outputs_ : Tensors();
    for (std::size_t i = outputs.size(); i < part.outputs.size(); ++i)
      outputs.push_back(Tensor::empty(part.outputs[i].shape, part.outputs[i].dtype));
    run_operation(part.operation, inputs, outputs);
    made.push_back(outputs);
  }
  outputs_ = made.back();
  computed_version_ = version();
}

std::shared_ptr<Constant> Constants::get(const Constant& constant) {
  const std::lock_guard lock(guard_);
  const auto found = constants_.find(constant.key());
  const auto known = found != constants_.end() ? found->second : std::make_shared<Constant>(constant);
  known->refresh();
  constants_[constant.key()] = known;  // last: one that can't be computed is not kept
  return known;
}

void Constants::refresh(const std::vector<std::shared_ptr<Constant>>& constants) {
  const std::lock_guard lock(guard_);
  for (const auto& constant : constants) constant->refresh();
}

std::int64_t Constants::bytes() const {
  const std::lock_guard lock(guard_);
  std::int64_t bytes = 0;
  for (const auto& [key, constant] : constants_) {
    for (const Tensor& t : constant->outputs()) bytes += t.bytes();
  }
  return bytes;
}

}  // namespace weft
