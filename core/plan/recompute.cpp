#include "core/plan/recompute.h"

#include <algorithm>
#include <queue>
#include <unordered_map>

#include "core/plan/arena.h"

namespace weft {
namespace {

std::size_t index(Value v) { return static_cast<std::size_t>(v); }

/// A step of the graph as it was, at its place or once more.
struct Run {
  std::size_t step;
  bool is_again;
};

/// The graph without its tensors, and what would come of computing some of its values again.
class Schedule {
 public:
  Schedule(const Graph& graph, const Step* last_forward, const std::vector<Value>& outside)
      : kept_(graph.outputs()), steps_(memory_of_steps(graph)), bytes_(bytes_in_arena(graph, outside)) {
    const std::size_t values = bytes_.size();
    maker_.assign(values, none);
    std::vector<bool> is_changed(values, false);
    for (Value v = 0; v < graph.value_count(); ++v) is_changed[index(v)] = graph.is_fixed(v) && graph.is_changed(v);
    for (const Step& step : graph.steps()) {
      const std::size_t number = places_.size();
      places_.push_back(&step);
      const auto reads_changed = [&](Value v) { return v != no_value && is_changed[index(v)]; };
      const bool can_run_again = first_backward_ == none && step.operation.changes.empty() &&
                                 std::none_of(step.inputs.begin(), step.inputs.end(), reads_changed);
      for (const Value v : step.outputs) {
        if (can_run_again && bytes_[index(v)] >= 0) maker_[index(v)] = number;
      }
      costs_.push_back(cost_of(graph, step));
      if (&step == last_forward) first_backward_ = number + 1;
    }
    // Values of the second run are numbered behind those of the first.
    bytes_.resize(2 * values);
    std::copy_n(bytes_.begin(), values, bytes_.begin() + static_cast<std::ptrdiff_t>(values));
  }

  /// Values that may be computed again: made before the backward pass and read in it, of so many bytes or more.
  std::vector<Value> candidates(std::int64_t fewest_bytes) const {
    std::vector<Value> found;
    for (std::size_t i = first_backward_; i < steps_.size(); ++i) {
      for (const Value v : steps_[i].inputs) {
        if (v == no_value || maker_[index(v)] == none || bytes_[index(v)] < fewest_bytes) continue;
        if (std::find(found.begin(), found.end(), v) == found.end()) found.push_back(v);
      }
    }
    return found;
  }

  /// The value with what it is computed from, `depth` steps back.
  void add_with_sources(Value v, int depth, std::vector<bool>& again) const {
    again[index(v)] = true;
    if (depth == 0) return;
    for (const Value source : steps_[maker_[index(v)]].inputs) {
      if (source != no_value && maker_[index(source)] != none) add_with_sources(source, depth - 1, again);
    }
  }

  /// All runs, where the values marked are computed again behind the forward pass when they are first read there.
  /// `memory` gets the runs' values: those of a second run have numbers of their own.
  std::vector<Run> runs(const std::vector<bool>& again, std::vector<StepMemory>& memory) const {
    std::vector<Run> runs;
    std::vector<bool> is_there(maker_.size(), false);
    memory.clear();
    for (std::size_t i = 0; i < steps_.size(); ++i) add_run({i, false}, again, is_there, runs, memory);
    return runs;
  }

  /// Seconds, roughly, that second runs take.
  double cost(const std::vector<Run>& runs) const {
    double sum = 0;
    for (const Run& run : runs) sum += run.is_again ? costs_[run.step] : 0;
    return sum;
  }

  Lifetimes lifetimes(const std::vector<StepMemory>& memory) const { return lifetimes_of(memory, bytes_, kept_); }

  std::size_t value_count() const { return maker_.size(); }
  const Step* step(std::size_t number) const { return places_[number]; }

 private:
  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  /// A core's multiply-adds and its share of the memory, in orders of magnitude: only their ratio counts.
  static double cost_of(const Graph& graph, const Step& step) {
    const ProfileEntry entry = graph.describe(step);
    return static_cast<double>(entry.macs) / 1e11 + static_cast<double>(entry.bytes) / 1e10;
  }

  Value again_of(Value v) const { return v + static_cast<Value>(maker_.size()); }

  void add_run(Run run, const std::vector<bool>& again, std::vector<bool>& is_there, std::vector<Run>& runs,
               std::vector<StepMemory>& memory) const {
    StepMemory step = steps_[run.step];
    if (run.step >= first_backward_ || run.is_again) {
      for (Value& v : step.inputs) {
        if (v == no_value || !again[index(v)]) continue;
        if (!is_there[index(v)]) add_run({maker_[index(v)], true}, again, is_there, runs, memory);
        v = again_of(v);
      }
    }
    if (run.is_again) {
      for (Value& v : step.outputs) {
        is_there[index(v)] = true;
        v = again_of(v);
      }
      step.may_overwrite = -1;  // its input may be kept for others
    }
    memory.push_back(std::move(step));
    runs.push_back(run);
  }

  const std::vector<Value> kept_;
  std::vector<StepMemory> steps_;
  std::vector<std::int64_t> bytes_;
  std::vector<std::size_t> maker_;  // of values that may be computed again; none for others
  std::vector<double> costs_;
  std::vector<const Step*> places_;
  std::size_t first_backward_ = none;
};

/// The bytes above a limit, over all steps: what is left to do.
double excess(const std::vector<std::int64_t>& in_use, std::int64_t limit) {
  double sum = 0;
  for (const std::int64_t bytes : in_use) sum += static_cast<double>(std::max<std::int64_t>(bytes - limit, 0));
  return sum;
}

/// What has been chosen so far, and what it comes to.
struct Choice {
  std::vector<bool> again;
  double cost = 0, left = 0;  // seconds; excess
};

/// A value that may be computed again, with what it is computed from so many steps back, and the excess that this would
/// lower for a second of computing, when that was last asked.
struct Candidate {
  Value value;
  int depth;
  double gain = 0;
  bool operator<(const Candidate& other) const { return gain < other.gain; }
};

Choice evaluated(const Schedule& schedule, std::vector<bool> again, std::int64_t limit) {
  std::vector<StepMemory> memory;
  const double cost = schedule.cost(schedule.runs(again, memory));
  return {std::move(again), cost, excess(schedule.lifetimes(memory).bytes_in_use(), limit)};
}

/// Marks more values, until nothing is above the limit or nothing helps any more: the one that lowers the excess most
/// for its cost comes first. What a value gains falls, as a rule, as others are chosen, so only those at the top of the
/// queue are asked again ("lazy greedy", Minoux 1978).
std::vector<bool> choose(const Schedule& schedule, std::vector<bool> again, std::int64_t limit) {
  Choice now = evaluated(schedule, std::move(again), limit), next;
  const auto gain_of = [&](const Candidate& c) {
    std::vector<bool> tried = now.again;
    schedule.add_with_sources(c.value, c.depth, tried);
    if (tried == now.again) return 0.0;
    next = evaluated(schedule, std::move(tried), limit);
    return (now.left - next.left) / std::max(next.cost - now.cost, 1e-9);
  };
  const auto all = [&] {
    std::priority_queue<Candidate> queue;
    for (const Value v : schedule.candidates(limit / 2000)) {
      for (const int depth : {0, 1, 2, 4}) {
        Candidate c{v, depth};
        c.gain = gain_of(c);
        if (c.gain > 0) queue.push(c);
      }
    }
    return queue;
  };
  std::priority_queue<Candidate> queue = all();
  bool is_fresh = true;
  while (now.left > 0) {
    if (queue.empty()) {
      if (is_fresh) break;
      queue = all();  // some that gained nothing may do so now
      is_fresh = true;
      continue;
    }
    Candidate best = queue.top();
    queue.pop();
    best.gain = gain_of(best);
    if (best.gain <= 0) continue;
    if (!queue.empty() && best.gain < queue.top().gain) {
      queue.push(best);
      continue;
    }
    now = next;
    is_fresh = false;
  }
  return now.again;
}

/// The graph's steps as the runs are.
void rewrite(Graph& graph, const Schedule& schedule, const std::vector<Run>& runs,
             const std::vector<StepMemory>& memory) {
  const Value behind = static_cast<Value>(schedule.value_count());
  std::unordered_map<Value, Value> again;  // of the schedule's numbers, in the graph
  const auto value = [&](Value v) { return v == no_value || v < behind ? v : again.at(v); };
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const Step* step = schedule.step(runs[i].step);
    if (!runs[i].is_again) {
      for (std::size_t k = 0; k < memory[i].inputs.size(); ++k) {
        const Value v = value(memory[i].inputs[k]);
        if (v != step->inputs[k]) graph.set_input(step, k, v);
      }
      continue;
    }
    std::size_t next = i;
    while (runs[next].is_again) ++next;  // a second run is always for a step that follows
    Step copy = *step;
    for (std::size_t k = 0; k < copy.inputs.size(); ++k) copy.inputs[k] = value(memory[i].inputs[k]);
    for (std::size_t k = 0; k < copy.outputs.size(); ++k) {
      again[memory[i].outputs[k]] = graph.add_value(graph.type(copy.outputs[k]));
      copy.outputs[k] = again[memory[i].outputs[k]];
    }
    copy.operation.may_overwrite = -1;
    copy.rules.emplace_back("recompute");
    graph.insert(schedule.step(runs[next].step), std::move(copy));
  }
}

}  // namespace

std::int64_t recompute_to_fit(Graph& graph, const Step* last_forward, const std::vector<Value>& outside,
                              std::int64_t bytes) {
  const std::int64_t whole = lay_out_arena(graph, outside).bytes;
  if (whole <= bytes) return whole;
  const Schedule schedule(graph, last_forward, outside);
  const std::vector<bool> none(schedule.value_count(), false);
  std::vector<Run> runs;  // of what was placed last
  std::vector<StepMemory> memory;
  const auto placed = [&](const std::vector<bool>& again) {
    runs = schedule.runs(again, memory);
    Lifetimes lifetimes = schedule.lifetimes(memory);
    return place_blocks(lifetimes.blocks);
  };

  // A layout takes a little more than is in use at any step. How much is seen when it is made, so what is asked for is
  // lowered by that until it fits.
  std::vector<bool> again = none;
  std::int64_t limit = bytes, least = whole;
  for (int attempt = 0; attempt < 8 && limit > bytes / 2; ++attempt) {
    again = choose(schedule, again, limit);
    const std::int64_t taken = placed(again);
    if (taken <= bytes) {
      rewrite(graph, schedule, runs, memory);
      return taken;
    }
    least = std::min(least, taken);
    limit -= std::max(taken - bytes, bytes / 100);
  }
  // It can't be done. What could is looked for by bisection.
  for (std::int64_t low = bytes, high = least, attempt = 0; attempt < 6; ++attempt) {
    const std::int64_t middle = (low + high) / 2, taken = placed(choose(schedule, none, middle));
    least = std::min(least, taken);
    (taken <= middle + middle / 50 ? high : low) = middle;
  }
  return least;
}

}  // namespace weft
