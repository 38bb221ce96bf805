#include "core/autograd.h"

#include <algorithm>
#include <atomic>
#include <unordered_map>
#include <utility>

#include "core/graph.h"
#include "core/ops.h"
#include "core/parallel.h"
#include "core/pass_profile.h"

namespace weft {
namespace {

thread_local bool recording = true;
thread_local bool recomputing = false;
std::atomic<std::uint64_t> next_order{0};

using NodePtr = std::shared_ptr<Node>;

/// into += from. The sum goes into `into`'s own buffer where nobody else can see it; an operation may
/// hand one tensor to several inputs (add does), and then a new buffer is made.
void accumulate(Tensor& into, const Tensor& from) {
  if (!into.defined()) {
    into = from;
    return;
  }
  if (!into.has_numbers() || !from.has_numbers() || graph_being_captured() != nullptr) {
    into = add(into, from);
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

/// The pass from one root. It knows beforehand which nodes it will visit, and how many contributions each one's
/// gradient will have: one from each use among the inputs of the others.
class Engine {
 public:
  /// The one that runs on this thread; null outside of backward(). Passes nest where a backward function starts one.
  static Engine* running() { return running_; }

  explicit Engine(const NodePtr& root) : nodes_{root}, outer_(running_) {
    gathered_[root.get()].missing = 1;  // the seed
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      const NodePtr node = nodes_[i];
      for (const NodePtr& input : node->inputs) {
        if (input == nullptr) continue;
        const auto [entry, is_new] = gathered_.try_emplace(input.get());
        ++entry->second.missing;
        if (is_new) nodes_.push_back(input);
      }
    }
    std::sort(nodes_.begin(), nodes_.end(), [](const NodePtr& a, const NodePtr& b) { return a->order > b->order; });
    running_ = this;  // last: where this throws, nothing undoes it
  }
  ~Engine() { running_ = outer_; }
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  void run(const Tensor& seed) {
    add(*nodes_.front(), seed);
    for (const NodePtr& node : nodes_) {
      const auto found = gathered_.find(node.get());
      const Tensor dy = std::move(found->second.gradient);
      gathered_.erase(found);
      node->is_leaf() ? leaf(*node, dy) : visit(*node, dy);
    }
  }

  /// Gradients of leaves are handed over here instead of being added to them.
  void hand_over_to(std::unordered_map<const Node*, Tensor>& gradients) { handed_over_ = &gradients; }

  Tensor take(const Node* node) {
    const auto found = gathered_.find(node);
    if (found == gathered_.end()) return {};
    Tensor& gradient = found->second.gradient;
    return gradient.defined() && gradient.is_sole_owner() ? std::exchange(gradient, Tensor()) : Tensor();
  }

  /// True where the next contribution, with what it has taken, is the node's whole gradient.
  bool is_completed_by_next(const Node* node) const {
    const auto found = gathered_.find(node);
    return found != gathered_.end() && found->second.missing == 1 && !found->second.gradient.defined();
  }

 private:
  struct Gathered {
    Tensor gradient;
    int missing = 0;  // contributions
  };

  void add(const Node& node, const Tensor& gradient) {
    WEFT_CHECK(gradient.shape() == node.shape && gradient.dtype() == node.dtype,
               "[backward] {} expected a gradient {} {}, got {} {}", node.name, dtype_name(node.dtype), node.shape,
               dtype_name(gradient.dtype()), gradient.shape());
    Gathered& gathered = gathered_.at(&node);
    --gathered.missing;
    accumulate(gathered.gradient, gradient);
  }

  static void accumulate_leaf(Node& leaf, const Tensor& dy) {
    // The leaf outlives the pass, so it must not share a buffer that someone else may still write to.
    if (leaf.grad.defined() || dy.is_sole_owner() || !dy.has_numbers()) {
      accumulate(leaf.grad, dy);
    } else {
      leaf.grad = dy.clone();
    }
  }

  void leaf(Node& node, const Tensor& dy) {
    if (handed_over_ == nullptr) return accumulate_leaf(node, dy);
    (*handed_over_)[&node] = dy;
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
      add(*node.inputs[i], gradient);
    }
  }

  static thread_local Engine* running_;

  std::vector<NodePtr> nodes_;                          // the youngest first
  std::unordered_map<const Node*, Gathered> gathered_;  // for those not visited yet
  Engine* const outer_;
  std::unordered_map<const Node*, Tensor>* handed_over_ = nullptr;
};
thread_local Engine* Engine::running_ = nullptr;

NodePtr make_node(const char* name, const Tensor& y) {
  return std::make_shared<Node>(Node{name, next_order++, y.shape(), y.dtype(), {}, {}, {}, {}, {}, {}});
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
  for (const Tensor& input : inputs) node->inputs.push_back(input.defined() ? input.node() : nullptr);
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
  Engine(y.node()).run(seed.defined() ? seed : Tensor::full(y.shape(), 1, y.dtype()));
}

Tensors gradients(const Tensor& y, const Tensors& leaves) {
  WEFT_CHECK(y.requires_grad() && y.count() == 1, "[gradients] expected a scalar with history, got {}", y.shape());
  const NoGrad no_grad;
  std::unordered_map<const Node*, Tensor> found;
  Engine engine(y.node());
  engine.hand_over_to(found);
  engine.run(Tensor::full(y.shape(), 1, y.dtype()));
  Tensors gradients;
  for (const Tensor& leaf : leaves) {
    const auto gradient = found.find(leaf.node().get());
    gradients.push_back(gradient == found.end() ? Tensor() : gradient->second);
  }
  return gradients;
}

Tensor take_gradient_so_far(const std::weak_ptr<Node>& x) {
  Engine* const engine = Engine::running();
  return engine != nullptr ? engine->take(x.lock().get()) : Tensor();
}

kernels::OutputSums* sums_over_gradient(const std::weak_ptr<Node>& x, const Tensor& dx) {
  const NodePtr node = x.lock();
  const Engine* const engine = Engine::running();
  const bool is_asked = node != nullptr && node->sums_over && engine != nullptr;
  return is_asked && engine->is_completed_by_next(node.get()) ? node->sums_over(dx) : nullptr;
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
