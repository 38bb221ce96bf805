#pragma once

#include "nn/module.h"

namespace weft::nn {

/// Modules named "0", "1", ... in the order in which they were added.
template <class M>
class ModuleList : public Module {
 public:
  /// Constructs a module of type `Made` at the end of the list.
  template <class Made = M, class... Args>
  Made& add(Args&&... args) {
    auto made = std::make_unique<Made>(std::forward<Args>(args)...);
    Made& reference = *made;
    register_module(std::to_string(items_.size()), reference);
    items_.push_back(std::move(made));
    return reference;
  }

  std::size_t size() const { return items_.size(); }
  M& operator[](std::size_t i) const { return *items_[i]; }
  auto begin() const { return items_.begin(); }
  auto end() const { return items_.end(); }

 private:
  std::vector<std::unique_ptr<M>> items_;
};

}  // namespace weft::nn
