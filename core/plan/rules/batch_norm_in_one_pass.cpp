// clamp(add(batch_norm(h), residual), lower, upper)  =  normalise(h, factor, offset, residual; lower, upper)
//
// with the two numbers a channel that batch norm comes down to, factor = gamma / sqrt(var + epsilon) and
// offset = beta - mean factor, in one pass over the image. The residual and the clamp may be missing. In the backward
// pass clamp_gradient goes into the passes of batch norm's own gradient: without a residual these tell from h what the
// clamp did, so y need not be kept for it; with one the masked gradient is the residual's too, and is stored once.
//
// The same sums, so the same bits. Applies in float32, where nobody else reads what lies between. Gains two to three
// passes over the image forward, and two backward.

#include "core/plan/batch_norm.h"
#include "core/plan/convolution.h"
#include "core/plan/rules/rules.h"

namespace weft {
namespace {

/// A batch norm of the graph with what follows it, forwards and backwards. Steps that are not there are null.
struct Pattern {
  const Step *bn = nullptr, *sum = nullptr, *clamp = nullptr;
  const Step *parameters = nullptr, *input = nullptr, *mask = nullptr;  // the gradients
  Value residual = no_value;

  Value h() const { return bn->inputs[0]; }
  const Step* last() const { return clamp != nullptr ? clamp : sum != nullptr ? sum : bn; }
  Clamp bounds() const { return clamp != nullptr ? clamp_of(clamp->operation) : no_clamp; }
};

/// True where `step`, which reads the input of the batch norm, is of the same numbers: an image may be normalised
/// twice.
bool is_of(const Step* step, const Step* bn) {
  return is_named(step, "batch_norm_parameter_gradients") &&
         std::equal(bn->inputs.begin(), bn->inputs.begin() + 4, step->inputs.begin() + 1) &&
         step->operation.attribute("epsilon") == bn->operation.attribute("epsilon");
}

void find_forward(const Graph& g, Pattern& p) {
  const Value u = p.bn->outputs[0];
  if (const Step* next = g.only_reader(u); is_named(next, "add")) {
    const Value other = next->inputs[next->inputs[0] == u ? 1 : 0];
    if (other != u && g.shape(other) == g.shape(u)) p.sum = next, p.residual = other;
  }
  const Step* next = g.only_reader(p.last()->outputs[0]);
  if (is_named(next, "clamp")) p.clamp = next;
}

void find_backward(const Graph& g, Pattern& p) {
  const auto mask_of = [&](const Step* parameters) {
    const Step* mask = g.maker(parameters->inputs[0]);
    const bool is_its =
        p.clamp != nullptr && is_named(mask, "clamp_gradient") && mask->inputs[1] == p.clamp->outputs[0];
    return is_its ? mask : nullptr;
  };
  for (const Step* reader : g.readers(p.h())) {
    if (!is_of(reader, p.bn) || (p.parameters != nullptr && mask_of(reader) == nullptr)) continue;
    p.parameters = reader;
    p.mask = mask_of(reader);
  }
  if (p.parameters == nullptr) return;
  for (const Step* reader : g.readers(p.parameters->outputs[0])) {  // dx is made of dgamma
    if (is_named(reader, "batch_norm_input_gradient")) p.input = reader;
  }
}

bool replace(Rewrite& r, const Step* bn) {
  Graph& g = r.graph;
  if (!r.is_float(bn->inputs[0])) return r.no(bn, "the kernels are float32's");
  Pattern p{.bn = bn};
  find_forward(g, p);
  find_backward(g, p);
  const double epsilon = bn->operation.attribute("epsilon");
  const bool training = bn->operation.attribute("training") != 0;
  const Clamp bounds = p.bounds();

  // Once a residual has been added, the clamp's input can't be told from h: its gradient needs y.
  const Value mean = bn->inputs[1], var = bn->inputs[2], gamma = bn->inputs[3], beta = bn->inputs[4];
  const NormValues norm{p.h(), mean, g.add_value(g.type(gamma)), g.add_value(g.type(gamma)),
                        g.add_value(g.type(gamma))};
  r.put(bn, {channel_numbers_operation(epsilon), {mean, var, gamma, beta}, {norm.inv_std, norm.factor, norm.offset}},
        {});
  const Value y = p.last()->outputs[0];
  r.put(p.last(), {normalise_operation(bounds), {p.h(), norm.factor, norm.offset, p.residual}, {y}},
        {bn, p.sum, p.clamp});
  for (const Step* old : {p.clamp, p.sum, bn}) {
    if (old != nullptr) g.remove(old);
  }
  if (p.parameters == nullptr) return true;

  const Value dgamma = p.parameters->outputs[0], dbeta = p.parameters->outputs[1];
  Value dz = p.parameters->inputs[0];
  Clamp clamp = no_clamp;
  if (p.mask != nullptr) {
    const Value dy = p.mask->inputs[0];
    const int own_readers = 1 + (p.input != nullptr ? 1 : 0);
    const bool is_shared = g.uses(dz) != own_readers;
    const bool stores_dz = p.residual != no_value || is_shared;
    if (stores_dz) {
      const std::vector<Value> inputs{
          dy, norm.x, norm.mean, norm.inv_std, norm.factor, norm.offset, p.residual != no_value ? y : no_value};
      r.put(p.mask, {normalise_sums_operation(bounds, true), inputs, {dz, dgamma, dbeta}}, {p.mask, p.parameters});
    } else {
      clamp = bounds;
      const std::vector<Value> inputs{dy, norm.x, norm.mean, norm.inv_std, norm.factor, norm.offset, no_value};
      r.put(p.mask, {normalise_sums_operation(clamp, false), inputs, {dgamma, dbeta}}, {p.mask, p.parameters});
      dz = dy;
    }
    g.remove(p.mask);
  } else {
    const std::vector<Value> inputs{dz, norm.x, norm.mean, norm.inv_std, norm.factor, norm.offset, no_value};
    r.put(p.parameters, {normalise_sums_operation(no_clamp, false), inputs, {dgamma, dbeta}}, {p.parameters});
  }
  g.remove(p.parameters);
  if (p.input != nullptr) {
    const std::vector<Value> inputs{dz, norm.x, norm.mean, norm.inv_std, norm.factor, norm.offset, dgamma, dbeta};
    r.put(p.input, {normalise_gradient_operation(clamp, training), inputs, p.input->outputs}, {p.input});
    g.remove(p.input);
  }
  return true;
}

}  // namespace

void batch_norm_in_one_pass(Rewrite& rewrite) {
  for (const Step* bn : steps_named(rewrite.graph, "batch_norm")) replace(rewrite, bn);
}

}  // namespace weft
