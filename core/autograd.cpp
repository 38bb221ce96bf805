#include "core/autograd.h"

#include <algorithm>
#include <atomic>
#include <unordered_map>
#include <utility>

#include "core/ops.h"

namespace weft {
namespace {

thread_local bool recording = true;
std::atomic<std::uint64_t> next_order{0};

using NodePtr = std::shared_ptr<Node>;

/// The nodes that y was computed from, the youngest first.
std::vector<NodePtr> nodes_behind(const NodePtr& root) {
  std::vector<NodePtr> nodes{root};
  std::unordered_map<const Node*, bool> seen{{root.get(), true}};
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const NodePtr node = nodes[i];
    for (const NodePtr& input : node->inputs) {
      if (input != nullptr && seen.try_emplace(input.get(), true).second) nodes.push_back(input);
    }
  }
  std::sort(nodes.begin(), nodes.end(), [](const NodePtr& a, const NodePtr& b) { return a->order > b->order; });
  return nodes;
}

/// The gradients of a node's inputs, one each, from that of its output. The node can't be asked again.
Gradients visit(Node& node, const Tensor& dy) {
  WEFT_CHECK(node.backward, "[backward] {} was already run backward and its saved tensors are freed; run forward again",
             node.name);
  Gradients gradients = node.backward(dy);
  node.backward = nullptr;
  WEFT_CHECK(gradients.size() == node.inputs.size(), "[backward] {} has {} inputs but made {} gradients", node.name,
             node.inputs.size(), gradients.size());
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    const Node* input = node.inputs[i].get();
    if (input == nullptr) continue;
    const Tensor& gradient = gradients[i];
    WEFT_CHECK(gradient.defined(), "[backward] {} made no gradient for input {}", node.name, i);
    WEFT_CHECK(gradient.shape() == input->shape && gradient.dtype() == input->dtype,
               "[backward] {} expected a gradient {} {}, got {} {}", input->name, dtype_name(input->dtype),
               input->shape, dtype_name(gradient.dtype()), gradient.shape());
  }
  return gradients;
}

/// Reverse mode from `root`, whose gradient is `seed`: hands each leaf's gradient to `leaf`.
template <class Leaf>
void run_backward(const NodePtr& root, const Tensor& seed, Leaf&& leaf) {
  const NoGrad no_grad;
  std::unordered_map<const Node*, Tensor> gathered{{root.get(), seed}};
  const auto accumulate = [](Tensor& into, const Tensor& gradient) {
    into = into.defined() ? add(into, gradient) : gradient;
  };
  for (const NodePtr& node : nodes_behind(root)) {
    const Tensor dy = std::move(gathered.extract(node.get()).mapped());
    if (node->is_leaf()) {
      leaf(*node, dy);
      continue;
    }
    const Gradients gradients = visit(*node, dy);
    for (std::size_t i = 0; i < gradients.size(); ++i) {
      if (node->inputs[i] != nullptr) accumulate(gathered[node->inputs[i].get()], gradients[i]);
    }
  }
}

NodePtr make_node(const char* name, const Tensor& y) {
  return std::make_shared<Node>(Node{name, next_order++, y.shape(), y.dtype(), {}, {}, {}});
}

}  // namespace

Node::~Node() {
  std::vector<NodePtr> pending = std::move(inputs);
  while (!pending.empty()) {
    const NodePtr node = std::move(pending.back());
    pending.pop_back();
    if (node == nullptr || node.use_count() > 1) continue;
    for (NodePtr& input : node->inputs) pending.push_back(std::move(input));
    node->inputs.clear();
  }
}

bool needs_recording(const Tensors& inputs) {
  return recording && std::any_of(inputs.begin(), inputs.end(), [](const Tensor& t) { return t.requires_grad(); });
}

Tensor record(const Tensor& y, const char* name, const Tensors& inputs, BackwardFunction backward) {
  if (!needs_recording(inputs)) return y;
  NodePtr node = make_node(name, y);
  for (const Tensor& input : inputs) node->inputs.push_back(input.defined() ? input.node() : nullptr);
  node->backward = std::move(backward);
  y.set_node(std::move(node));
  return y;
}

void backward(const Tensor& y, const Tensor& seed) {
  WEFT_CHECK(y.requires_grad(),
             "[backward] the tensor {} has no history: none of the inputs it came from requires a gradient", y.shape());
  WEFT_CHECK(seed.defined() || y.count() == 1, "[backward] expected a scalar or a seed gradient, got {}", y.shape());
  WEFT_CHECK(!seed.defined() || (seed.shape() == y.shape() && seed.dtype() == y.dtype()),
             "[backward] {} expected a gradient {} {}, got {} {}", y.node()->name, dtype_name(y.dtype()), y.shape(),
             dtype_name(seed.dtype()), seed.shape());
  run_backward(y.node(), seed.defined() ? seed : Tensor::full(y.shape(), 1, y.dtype()),
               [](Node& leaf, const Tensor& dy) {
                 // The leaf outlives the pass, so it must not share a buffer that someone else may still write to.
                 leaf.grad = leaf.grad.defined()                       ? add(leaf.grad, dy)
                             : dy.has_numbers() && !dy.is_sole_owner() ? dy.clone()
                                                                       : dy;
               });
}

Tensors gradients(const Tensor& y, const Tensors& leaves) {
  WEFT_CHECK(y.requires_grad() && y.count() == 1, "[gradients] expected a scalar with history, got {}", y.shape());
  std::unordered_map<const Node*, Tensor> found;
  run_backward(y.node(), Tensor::full(y.shape(), 1, y.dtype()),
               [&](const Node& leaf, const Tensor& dy) { found[&leaf] = dy; });
  Tensors gradients;
  for (const Tensor& leaf : leaves) gradients.push_back(leaf.requires_grad() ? found[leaf.node().get()] : Tensor());
  return gradients;
}

NoGrad::NoGrad() : previous_(recording) { recording = false; }
NoGrad::~NoGrad() { recording = previous_; }

Saved::Saved(const Tensor& t) {
  if (!t.defined()) return;
  tensor_ = t.detach();
  version_ = t.version();
}

const Tensor& Saved::get() const {
  WEFT_CHECK(!tensor_.defined() || tensor_.version() == version_,
             "[backward] a tensor {} saved for the gradient was overwritten since (version {}, now {}); write to a "
             "copy instead",
             tensor_.shape(), version_, tensor_.version());
  return tensor_;
}

// The part of Tensor that is about gradients.

const Tensor& Tensor::set_requires_grad(bool required) const {
  WEFT_CHECK(!requires_grad() || node()->is_leaf(),
             "[requires_grad] {} is the result of an operation; detach() it first", shape());
  if (required && !requires_grad()) set_node(make_node("leaf", *this));
  if (!required) set_node(nullptr);
  return *this;
}

Tensor Tensor::grad() const { return requires_grad() ? node()->grad : Tensor(); }

void Tensor::set_grad(const Tensor& gradient) const {
  if (!requires_grad()) return;
  WEFT_CHECK(!gradient.defined() || gradient.shape() == shape(), "[grad] expected {}, got {}", shape(),
             gradient.shape());
  node()->grad = gradient;
}

void Tensor::backward() const { weft::backward(*this); }

}  // namespace weft
