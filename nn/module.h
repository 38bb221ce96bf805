#pragma once
// A Module owns parameters (learned), buffers (kept but not learned, such as running statistics) and
// child modules, each under a name. A tensor's full name is the path to it, joined by dots:
//
//   decoder.blocks.0.conv1.0.weight
//
// These names are the keys of the state dict, and they are torchvision's and
// segmentation_models_pytorch's, so that their files load by name and ours load there.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/tensor.h"

namespace weft::nn {

struct NamedTensor {
  std::string name;
  Tensor tensor;  // shares its buffer with the module's own
};
using StateDict = std::vector<NamedTensor>;

/// A tensor's description, where its numbers are still in a file.
struct NamedShape {
  std::string name;
  Shape shape;
  DType dtype;
};

class Module {
 public:
  Module() = default;
  virtual ~Module() = default;
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  /// Parameters of this module and all below, in order of registration, depth first.
  StateDict named_parameters() const { return named(Kind::parameter); }
  StateDict named_buffers() const { return named(Kind::buffer); }
  /// Parameters and buffers, in PyTorch's order.
  StateDict state_dict() const { return named(Kind::both); }
  /// Parameters of this module alone, under their short names.
  const StateDict& own_parameters() const { return parameters_; }
  /// Number of learned values.
  std::int64_t parameter_count() const;

  /// Copies the values of `state` into the tensors of the same names. Throws Error that lists every missing,
  /// unexpected and wrong-shaped tensor; then nothing has been changed. A missing "num_batches_tracked" is
  /// forgiven: old files lack it, and it does not enter any result. `context` begins the message (a file name).
  void load_state_dict(const StateDict& state, const std::string& context = "state dict") const;
  /// Only the check of load_state_dict.
  void check_state_dict(const std::vector<NamedShape>& state, const std::string& context = "state dict") const;

  /// Training mode (batch statistics, dropout) or evaluation mode, for this module and all below.
  void train(bool on = true);
  void eval() { train(false); }
  bool is_training() const { return training_ && !frozen_; }

  /// A frozen module learns nothing: its parameters gather no gradient, and it behaves as in evaluation mode even
  /// while the rest trains, so that running statistics stay what they are.
  void set_frozen(bool frozen);

  /// Converts all float tensors to `dtype` (float64 for checks), in place: handles stay valid, gradients are forgotten.
  void to(DType dtype) const;

  /// Forgets the gradients of all parameters.
  void zero_grad() const;

  /// Puts `child` below this module; it must live as long. A plain Module so filled is a mere level of names.
  void register_module(const std::string& name, Module& child) { children_.emplace_back(name, &child); }
  /// The modules directly below, with their names.
  const std::vector<std::pair<std::string, Module*>>& children() const { return children_; }

 protected:
  Tensor register_parameter(const std::string& name, const Tensor& initial);
  Tensor register_buffer(const std::string& name, const Tensor& initial);

 private:
  enum class Kind { parameter, buffer, both };
  StateDict named(Kind kind) const;
  void collect(const std::string& prefix, Kind kind, StateDict& into) const;

  StateDict parameters_, buffers_;
  std::vector<std::pair<std::string, Module*>> children_;
  bool training_ = true;
  bool frozen_ = false;
};

}  // namespace weft::nn
