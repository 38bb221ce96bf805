#pragma once
// What a plan computes once from tensors that live outside of it, such as packed filters. Several plans of one network,
// for pictures of several sizes, share them.

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "core/graph.h"

namespace weft {

class Constants {
 public:
  /// One step whose inputs are all constant.
  struct Entry {
    Operation operation;
    Tensors inputs, outputs;
    std::vector<Tensor> sources;  // the tensors outside that it comes from in the end
    std::uint64_t version = 0;    // of these, when it was computed
  };

  /// The entry for an operation on these inputs (tensors outside, or other entries' outputs), computed unless it is
  /// known. Throws Error where a source has let go of its numbers before.
  std::shared_ptr<Entry> get(const Operation& operation, const Tensors& inputs, const std::vector<TensorType>& outputs);
  /// Computes again what has changed since. Entries must be given in the order in which they were made.
  void refresh(const std::vector<std::shared_ptr<Entry>>& entries);
  /// Bytes of all that is kept.
  std::int64_t bytes() const;
  /// Lets go of the numbers of all sources, which can't be computed from again. For networks that will only be run.
  void release_sources();

 private:
  static std::uint64_t version_of(const Entry& entry);
  static void compute(Entry& entry);

  mutable std::mutex guard_;
  std::unordered_map<std::string, std::shared_ptr<Entry>> entries_;
  std::unordered_map<const void*, std::weak_ptr<Entry>> makers_;  // by the identity of their outputs
};

}  // namespace weft
