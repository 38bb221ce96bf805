#include "core/autograd.h"

#include <atomic>
#include <queue>
#include <unordered_map>

#include "core/parallel.h"
#include "core/pass_profile.h"

namespace weft {
namespace {

thread_local bool recording = true;
thread_local bool recomputing = false;
std::atomic<std::uint64_t> next_order{0};

using NodePtr = std::shared_ptr<Node>;

struct CreatedEarlier {
  bool operator()(const NodePtr& a, const NodePtr& b) const { return a->order < b->order; }
};

/// into += from. The sum goes into `into`'s own buffer where nobody else can see it; an operation may
/// hand one tensor to several inputs (add does), and then a new buffer is made.
void accumulate(Tensor& into, const Tensor& from) {
  if (!into.defined()) {
    into = from;
    return;
  }
  const ProfileScope scope(describe_pass("add gradients", into, 3));
  Tensor sum = reuse_or_empty(into);
  dispatch_float(sum.dtype(), "backward", [&](auto zero) {
    using T = decltype(zero);
    const T* a = into.data<T>();
    const T* b = from.data<T>();
    T* y = sum.mutable_data<T>();
    parallel_chunks(sum.count(), elementwise_grain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) y[i] = a[i] + b[i];
    });
  });
  into = sum;
}

/// The pass from one root: nodes wait in a heap, the youngest on top.
class Engine {
 public:
  void run(const NodePtr& root, const Tensor& seed) {
    add(root, seed);
    while (!waiting_.empty()) {
      const NodePtr node = waiting_.top();
      waiting_.pop();
      const auto found = gradients_.find(node.get());
      const Tensor dy = std::move(found->second);
      gradients_.erase(found);
      node->is_leaf() ? accumulate_leaf(*node, dy) : visit(*node, dy);
    }
  }

 private:
  void add(const NodePtr& node, const Tensor& gradient) {
    WEFT_CHECK(gradient.shape() == node->shape && gradient.dtype() == node->dtype,
               "[backward] {} expected a gradient {} {}, got {} {}", node->name, dtype_name(node->dtype), node->shape,
               dtype_name(gradient.dtype()), gradient.shape());
    const auto [entry, is_new] = gradients_.try_emplace(node.get());
    if (is_new) waiting_.push(node);
    accumulate(entry->second, gradient);
  }

  static void accumulate_leaf(Node& leaf, const Tensor& dy) {
    // The leaf outlives the pass, so it must not share a buffer that someone else may still write to.
    if (leaf.grad.defined() || dy.is_sole_owner()) {
      accumulate(leaf.grad, dy);
    } else {
      leaf.grad = dy.clone();
    }
  }

  void visit(Node& node, const Tensor& dy) {
    WEFT_CHECK(node.backward,
               "[backward] {} was already run backward and its saved tensors are freed; run forward again", node.name);
    Gradients gradients = node.backward(dy);
    node.backward = nullptr;
    node.recompute = nullptr;
    node.sums_over = nullptr;
    WEFT_CHECK(gradients.size() == node.inputs.size(), "[backward] {} has {} inputs but made {} gradients", node.name,
               node.inputs.size(), gradients.size());
    for (std::size_t i = 0; i < gradients.size(); ++i) {
      if (node.inputs[i] == nullptr) continue;
      WEFT_CHECK(gradients[i].defined(), "[backward] {} made no gradient for input {}", node.name, i);
      // Moved out first: the engine's handle is then the only one, and accumulate() may add in place.
      const Tensor gradient = std::move(gradients[i]);
      add(node.inputs[i], gradient);
    }
  }

  std::priority_queue<NodePtr, std::vector<NodePtr>, CreatedEarlier> waiting_;
  std::unordered_map<Node*, Tensor> gradients_;
};

NodePtr make_node(const char* name, const Tensor& y) {
  return std::make_shared<Node>(Node{name, next_order++, y.shape(), y.dtype(), {}, {}, {}, {}, 0, {}, {}});
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
  if (!recording) return false;
  for (const Tensor& input : inputs) {
    if (input.requires_grad()) return true;
  }
  return false;
}

Tensor record(const Tensor& y, const char* name, const Tensors& inputs, BackwardFunction backward,
              std::initializer_list<Attribute> attributes) {
  if (!needs_recording(inputs)) return y;
  NodePtr node = make_node(name, y);
  for (const Tensor& input : inputs) {
    node->inputs.push_back(input.defined() ? input.node() : nullptr);
    // Not of leaves, which several threads may share.
    if (Node* n = node->inputs.back().get(); n != nullptr && !n->is_leaf()) ++n->uses;
  }
  node->backward = std::move(backward);
  node->attributes = attributes;
  y.set_node(std::move(node));
  return y;
}

void backward(const Tensor& y, const Tensor& seed) {
  WEFT_CHECK(y.requires_grad(),
             "[backward] the tensor {} has no history: none of the inputs it came from requires a gradient", y.shape());
  WEFT_CHECK(seed.defined() || y.count() == 1, "[backward] expected a scalar or a seed gradient, got {}", y.shape());
  const NoGrad no_grad;
  Engine().run(y.node(), seed.defined() ? seed : Tensor::full(y.shape(), 1, y.dtype()));
}

kernels::OutputSums* sums_over_gradient(const std::weak_ptr<Node>& x, const Tensor& dx) {
  const NodePtr node = x.lock();
  return node != nullptr && node->uses == 1 && node->sums_over ? node->sums_over(dx) : nullptr;
}

Tensor reuse_or_empty(const Tensor& dy) { return dy.is_sole_owner() ? dy : Tensor::empty(dy.shape(), dy.dtype()); }

NoGrad::NoGrad() : previous_(recording) { recording = false; }
NoGrad::~NoGrad() { recording = previous_; }

RecomputeActivations::RecomputeActivations() : previous_(recomputing) { recomputing = true; }
RecomputeActivations::~RecomputeActivations() { recomputing = previous_; }
bool RecomputeActivations::is_on() { return recomputing; }

Saved::Saved(const Tensor& t) {
  if (!t.defined()) return;
  if (t.requires_grad()) recompute_ = t.node()->recompute;
  if (recompute_) return;
  tensor_ = t.detach();
  version_ = t.version();
}

const Tensor& Saved::get() const {
  if (recompute_ && !tensor_.defined()) {
    tensor_ = recompute_();
    version_ = tensor_.version();
  }
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
