#include "core/plan/constants.h"

#include "core/kernels/isa.h"

namespace weft {
namespace {

std::string key_of(const Operation& operation, const Tensors& inputs, const std::vector<TensorType>& outputs) {
  std::string key = fmt::format("{} {}", kernels::isa_name(), operation.name);
  for (const Attribute& a : operation.attributes) key += fmt::format(" {}={}", a.name, a.value);
  const auto add_type = [&](const TensorType& type) { key += fmt::format(" {} {}", dtype_name(type.dtype), type.shape); };
  for (const Tensor& t : inputs) {
    key += fmt::format(" {}", t.defined() ? t.identity() : nullptr);
    if (t.defined()) add_type(type_of(t));
  }
  for (const TensorType& type : outputs) add_type(type);  // reshape and sums have no other attribute
  return key;
}

}  // namespace

std::uint64_t Constants::version_of(const Entry& entry) {
  // Versions only grow, so their sum changes exactly when one of them does.
  std::uint64_t version = 0;
  for (const Tensor& source : entry.sources) version += source.version();
  return version;
}

void Constants::compute(Entry& entry) {
  for (const Tensor& source : entry.sources) {
    WEFT_CHECK(source.has_numbers(), "[plan] {} of {} needs weights that are gone: the network is for inference only",
               entry.operation.name, source.shape());
  }
  run_operation(entry.operation, entry.inputs, entry.outputs);
  entry.version = version_of(entry);
}

std::shared_ptr<Constants::Entry> Constants::get(const Operation& operation, const Tensors& inputs,
                                                 const std::vector<TensorType>& types) {
  const std::lock_guard lock(guard_);
  const std::string key = key_of(operation, inputs, types);
  if (const auto known = entries_.find(key); known != entries_.end()) return known->second;
  const auto made = std::make_shared<Entry>(Entry{operation, inputs, {}, {}});
  for (const Tensor& input : inputs) {
    if (!input.defined()) continue;
    const auto maker = makers_.find(input.identity());
    if (maker == makers_.end()) {
      made->sources.push_back(input);
    } else if (const auto from = maker->second.lock()) {
      made->sources.insert(made->sources.end(), from->sources.begin(), from->sources.end());
    }
  }
  for (const TensorType& type : types) made->outputs.push_back(Tensor::empty(type.shape, type.dtype));
  compute(*made);
  for (const Tensor& output : made->outputs) makers_[output.identity()] = made;
  entries_[key] = made;
  return made;
}

void Constants::refresh(const std::vector<std::shared_ptr<Entry>>& entries) {
  const std::lock_guard lock(guard_);
  for (const auto& entry : entries) {
    const bool is_released = !entry->sources.empty() && !entry->sources[0].has_numbers();
    if (!is_released && version_of(*entry) != entry->version) compute(*entry);
  }
}

std::int64_t Constants::bytes() const {
  const std::lock_guard lock(guard_);
  std::int64_t bytes = 0;
  for (const auto& [key, entry] : entries_) {
    for (const Tensor& t : entry->outputs) bytes += t.has_numbers() ? t.bytes() : 0;
  }
  return bytes;
}

void Constants::release_sources() {
  const std::lock_guard lock(guard_);
  for (const auto& [key, entry] : entries_) {
    for (const Tensor& source : entry->sources) source.release_numbers();
    // What is only a step towards another constant is not needed any more either.
    for (const Tensor& input : entry->inputs) {
      if (input.defined() && makers_.contains(input.identity())) input.release_numbers();
    }
  }
}

}  // namespace weft
