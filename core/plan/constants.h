#pragma once
// What a plan computes once from tensors that live outside of it, such as packed filters. Several plans of one network,
// for pictures of several sizes, share them.

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "core/graph.h"

namespace weft {

/// The outputs of one step, by the constant steps that lead to it: folded, then packed, say. What lies between is gone
/// once it has been computed.
class Constant {
 public:
  /// `step`'s outputs; all that it is computed from must be fixed in the end.
  Constant(const Graph& graph, const Step& step);

  /// The same for constants that are computed in the same way from the same tensors.
  const std::string& key() const { return key_; }
  const Tensors& outputs() const { return outputs_; }
  /// The tensors outside that it comes from.
  const Tensors& sources() const { return sources_; }
  bool is_computed() const { return !outputs_.empty(); }
  /// Computes it where it has not been, or where a source has changed since. Throws Error where a source that is needed
  /// has let go of its numbers.
  void refresh();

 private:
  static constexpr std::size_t nowhere = static_cast<std::size_t>(-1);
  /// An input: a tensor outside, or an output of a part before; neither where it was not given.
  struct Input {
    Tensor fixed = {};
    std::size_t part = nowhere, output = 0;
  };
  struct Part {
    Operation operation;
    std::vector<Input> inputs;
    std::vector<TensorType> outputs;
  };
  std::size_t add_part(const Graph& graph, const Step& step);
  std::uint64_t version() const;

  std::vector<Part> parts_;
  Tensors sources_, outputs_;
  std::string key_;
  std::uint64_t computed_version_ = 0;
};

/// The constants of a network's plans.
class Constants {
 public:
  /// The one that is computed so, kept from now on, and computed.
  std::shared_ptr<Constant> get(const Constant& constant);
  /// Computes again what has changed.
  void refresh(const std::vector<std::shared_ptr<Constant>>& constants);
  /// Bytes of all.
  std::int64_t bytes() const;

 private:
  mutable std::mutex guard_;
  std::map<std::string, std::shared_ptr<Constant>> constants_;
};

}  // namespace weft
