#include "core/plan/plan.h"

#include <thread>

#include "core/kernels/isa.h"
#include "core/parallel.h"
#include "core/profile.h"
#include "tests/core/plan/plan_testing.h"

using namespace weft;
using namespace weft::test;

namespace {

const PlanOptions no_rules{.without = {"all"}};

Tensor weights(const Shape& shape) {  // of deviation 1 / sqrt(fan in)
  return scale(random_f32(shape), 1 / std::sqrt(static_cast<double>(shape.count() / shape[0])));
}

/// A U-Net in small: two resolutions, a residual block, a skip, a head. Parameters may learn, norms may train.
struct SmallUNet {
  Tensor stem = weights({8, 3, 3, 3}), down = weights({16, 8, 3, 3}), middle = weights({16, 16, 3, 3}),
         up = weights({8, 24, 3, 3}), head = weights({1, 8, 3, 3}), bias = random_f32({1});
  Norm stem_norm{8}, down_norm{16}, middle_norm{16}, up_norm{8};

  Tensors parameters() const {
    Tensors all{stem, down, middle, up, head, bias};
    for (const Norm* norm : {&stem_norm, &down_norm, &middle_norm, &up_norm}) {
      all.push_back(norm->gamma);
      all.push_back(norm->beta);
    }
    return all;
  }
  Tensors statistics() const {
    Tensors all;
    for (const Norm* norm : {&stem_norm, &down_norm, &middle_norm, &up_norm}) {
      all.push_back(norm->mean);
      all.push_back(norm->var);
    }
    return all;
  }
  void learn() const {
    for (const Tensor& p : parameters()) p.set_requires_grad(true);
  }
  Tensor operator()(const Tensor& x, bool trains = false) const {
    const Conv2dOptions padded{.padding = 1};
    const Tensor skip = relu(stem_norm(conv2d(x, stem, Tensor(), padded), trains));
    Tensor y = relu(down_norm(conv2d(skip, down, Tensor(), {.stride = 2, .padding = 1}), trains));
    y = relu(add(middle_norm(conv2d(y, middle, Tensor(), padded), trains), y));
    y = concat_channels({upsample_nearest2x(y), skip});
    y = relu(up_norm(conv2d(y, up, Tensor(), padded), trains));
    return conv2d(y, head, bias, padded);
  }
};

GraphFunction on_image(const std::function<Tensor(const Tensor&)>& f) {
  return [f](const Tensors& in) { return Tensors{f(in[0])}; };
}

}  // namespace

TEST_CASE("a plan computes what the network does", "[plan]") {
  const SmallUNet network;
  for (const Shape& shape : {Shape{1, 16, 12, 3}, {3, 50, 6, 3}}) {
    const Tensor x = random_f32(shape);
    const Plan fast = check_planned([&](const Tensor& in) { return network(in); }, x, 2e-5);
    CHECK(fast.graph().steps().size() < 8);
    const Plan plain = check_planned([&](const Tensor& in) { return network(in); }, x, 0, no_rules);
    CHECK(plain.graph().steps().size() > 15);
  }
}

TEST_CASE("a plan computes any function of tensors", "[plan]") {
  const Tensor w = random_f32({4, 6}), gain = random_f32({6});
  const auto group_norm_and_more = [&](const Tensors& in) {
    const Tensor centred = subtract(in[0], mean(in[0], {1, 2}, true));
    const Tensor spread = sqrt(add_scalar(mean(multiply(centred, centred), {1, 2}, true), 1e-5));
    const Tensor y = multiply(divide(centred, spread), gain);
    const Tensor pooled = global_avg_pool(silu(y));
    return Tensors{log_softmax(matmul(pooled, permute(w, {1, 0}))), maximum(gelu(y), minimum(y, exp(in[1])))};
  };
  check_planned({group_norm_and_more, {random_f32({2, 5, 7, 6}), random_f32({6})}}, 0);
  check_planned({group_norm_and_more, {random_f32({2, 5, 7, 6}), random_f32({1})}}, 0);
}

TEST_CASE("WEFT_PLAN leaves rules out", "[plan]") {
  const SmallUNet network;
  const auto plan_with = [&](const char* environment) {
    const PlanEnvironment scope(environment);
    return Plan::inference([&](const Tensors& in) { return network(in[0]); }, {{1, 16, 16, 3}});
  };
  const Plan all = plan_with(nullptr), off = plan_with("off"), without_fold = plan_with("-fold_batch_norm"),
             without_two = plan_with("-upsample_convolution,-pack_filters");
  CHECK(applied(all, "fold_batch_norm") == 4);
  CHECK(applied(all, "upsample_convolution") == 1);
  CHECK(applied(all, "pack_filters") == 4);
  CHECK(applied(plan_with(""), "fold_batch_norm") == 4);

  CHECK(std::all_of(off.graph().steps().begin(), off.graph().steps().end(),
                    [](const Step& s) { return s.rules.empty(); }));
  CHECK(off.refusals().empty());
  CHECK(count_of(off.graph(), "batch_norm") == 4);
  CHECK(off.constant_bytes() == 0);

  CHECK(applied(without_fold, "fold_batch_norm") == 0);
  CHECK(refusals_of(without_fold, "fold_batch_norm").empty());
  CHECK(applied(without_fold, "pack_filters") > 0);
  CHECK(applied(without_two, "upsample_convolution") + applied(without_two, "pack_filters") == 0);
  CHECK(applied(without_two, "fold_batch_norm") == 4);

  const Tensor x = random_f32({1, 16, 16, 3}), expected = network(x);
  for (const Plan* plan : {&all, &off, &without_fold, &without_two})
    CHECK(relative_difference(plan->run({x}), expected) < 2e-5);
  CHECK(equal(off.run({x}), expected));

  CHECK_THROWS_WITH(plan_with("on"), Contains("[plan] WEFT_PLAN=on: expected 'off', or rules to leave out as in "
                                              "-fold_batch_norm; 'on' is none"));
  CHECK_THROWS_WITH(plan_with("-pack_filters,-fold"), Contains("'-fold' is none"));
  CHECK_THROWS_WITH(plan_with("fold_batch_norm"), Contains("'fold_batch_norm' is none"));
}

TEST_CASE("every rule has a name and a summary", "[plan]") {
  std::set<std::string> names;
  for (const Rule& rule : plan_rules()) {
    CHECK(names.insert(rule.name).second);
    CHECK(std::string(rule.summary).size() > 10);
  }
  for (const Rule& rule : plan_rules()) {  // each can be left out alone
    const PlanEnvironment scope(("-" + std::string(rule.name)).c_str());
    CHECK(plan_options_from_environment().without == Names{rule.name});
  }
}

TEST_CASE("a plan has all of a function's results", "[plan]") {
  const SmallUNet network;
  const Tensor w = random_f32({2, 3, 1, 1});
  const auto f = [&](const Tensors& in) {
    const Tensor y = network(in[0]), z = conv2d(in[0], w);
    return Tensors{y, in[1], sigmoid(y), y, z, w, in[1], scale(w, 2)};
  };
  const Tensors x{random_f32({1, 8, 8, 3}), random_f32({5})};
  for (const PlanOptions& options : {PlanOptions{}, no_rules}) {
    const Plan plan = check_planned({f, x}, 2e-5, options);
    const Tensors first = plan.run_all(x);
    CHECK(first[1].shares_buffer_with(x[1]));
    CHECK(first[0].shares_buffer_with(first[3]));
    // Results are the caller's: another run, with other parameters, leaves them as they are.
    Tensors copies;
    for (const Tensor& t : first) copies.push_back(t.clone());
    w.fill(3);
    plan.run_all({random_f32({1, 8, 8, 3}), random_f32({5})});
    for (std::size_t i = 0; i < first.size(); ++i) {
      if (i != 5) CHECK(equal(first[i], copies[i]));  // 5 is the parameter itself
    }
    CHECK(equal(plan.run_all(x)[7], Tensor::full(w.shape(), 6)));
    CHECK(equal(plan.run(x), plan.run_all(x)[0]));
  }
}

TEST_CASE("a plan of no pictures has no results, and does not fail", "[plan]") {
  const SmallUNet network;
  const auto f = [&](const Tensors& in) { return network(in[0]); };
  const Tensor none = Tensor::zeros({0, 32, 32, 3});
  for (const PlanOptions& options : {PlanOptions{}, PlanOptions{.without = {"all"}}}) {
    const Plan plan = Plan::inference(f, {none.shape()}, options);
    CHECK(plan.run({none}).shape() == Shape{0, 32, 32, 1});
  }
  // MobileNetV2's block, and the last convolutions, which have kernels of their own.
  const Tensor expand = weights({48, 8, 1, 1}), depthwise = weights({48, 1, 3, 3}), project = weights({8, 48, 1, 1});
  const Tensor w = weights({8, 8, 3, 3});
  const auto block = [&](const Tensors& in) {
    const Tensor y = relu6(depthwise_conv2d(relu6(conv2d(in[0], expand)), depthwise, Tensor(), {.padding = 1}));
    return add(in[0], conv2d(y, project));
  };
  const auto end = [&](const Tensors& in) {
    return conv2d(relu(conv2d(in[0], w, Tensor(), {.padding = 1})), w, Tensor(), {.padding = 1});
  };
  const Tensor no_maps = Tensor::zeros({0, 64, 64, 8});
  for (const Plan::Function& g : {Plan::Function(block), Plan::Function(end)})
    CHECK(Plan::inference(g, {no_maps.shape()}).run({no_maps}).shape() == no_maps.shape());
}

TEST_CASE("a plan that is nothing but its input", "[plan]") {
  const Tensor x = random_f32({2});
  check_planned([](const Tensor& in) { return in; }, x, 0);
  const Plan plan = Plan::inference(on_image([](const Tensor& in) { return in; }), {floats({2})});
  CHECK(plan.arena_bytes() == 0);
  CHECK(plan.constant_bytes() == 0);
  CHECK(plan.graph().steps().empty());
}

TEST_CASE("a plan refuses inputs that it was not made for", "[plan]") {
  const Plan plan = Plan::inference([](const Tensors& in) { return add(in[0], in[1]); }, {{2, 3}, {3}});
  const Tensor a = random_f32({2, 3}), b = random_f32({3});
  CHECK_NOTHROW(plan.run({a, b}));
  CHECK_THROWS_WITH(plan.run({a}), Contains("[plan] expected 2 inputs, got 1"));
  CHECK_THROWS_WITH(plan.run({a, b, b}), Contains("[plan] expected 2 inputs, got 3"));
  CHECK_THROWS_WITH(plan.run({a, random_f32({4})}),
                    Contains("[plan] input 1 was planned as float32 [3], got float32 [4]"));
  CHECK_THROWS_WITH(plan.run({a.to(DType::f64), b}),
                    Contains("[plan] input 0 was planned as float32 [2, 3], got float64 [2, 3]"));
}

TEST_CASE("a plan refuses parameters that have changed their type", "[plan]") {
  const Tensor w = random_f32({4, 3, 1, 1});
  const Plan plan = Plan::inference([&](const Tensors& in) { return conv2d(in[0], w); }, {{1, 2, 2, 3}}, no_rules);
  const Tensor x = random_f32({1, 2, 2, 3});
  w.replace(random_f32({5, 3, 1, 1}));
  CHECK_THROWS_WITH(plan.run({x}), Contains("[plan] a parameter was planned as float32 [4, 3, 1, 1] and is now float32 "
                                            "[5, 3, 1, 1]; make the plan again"));
}

TEST_CASE("a plan with packed weights refuses parameters that have changed their type", "[plan]") {
  const Tensor w = random_f32({4, 3, 1, 1});
  const Plan plan = Plan::inference([&](const Tensors& in) { return conv2d(in[0], w); }, {{1, 2, 2, 3}});
  w.replace(random_f32({5, 3, 1, 1}));
  CHECK_THROWS_WITH(plan.run({random_f32({1, 2, 2, 3})}), Contains("make the plan again"));
  w.replace(random_f32({2, 3, 1, 1}));
  CHECK_THROWS_WITH(plan.run({random_f32({1, 2, 2, 3})}), Contains("make the plan again"));
  w.replace(random_f64({4, 3, 1, 1}));
  CHECK_THROWS_WITH(plan.run({random_f32({1, 2, 2, 3})}), Contains("make the plan again"));
}

TEST_CASE("a plan is for one instruction set", "[plan]") {
  const auto isas = kernels::available_isas();
  if (isas.size() < 2) return;  // nothing to switch to
  const std::string before = kernels::isa_name();
  kernels::select_isa(isas.front());
  const Plan plan = Plan::inference([](const Tensors& in) { return relu(in[0]); }, {{2}});
  kernels::select_isa(isas.back());
  CHECK_THROWS_WITH(plan.run({random_f32({2})}),
                    Contains("[plan] it was made for " + isas.front() + ", the kernels are now " + isas.back() +
                             "'s; make it again"));
  kernels::select_isa(before);
}

TEST_CASE("threads may run a plan at once", "[plan]") {
  const SmallUNet network;
  const Plan plan = Plan::inference([&](const Tensors& in) { return network(in[0]); }, {{1, 16, 16, 3}});
  Tensors inputs, expected;
  for (int i = 0; i < 8; ++i) {
    inputs.push_back(random_f32({1, 16, 16, 3}));
    expected.push_back(plan.run({inputs.back()}));
  }
  std::vector<int> agree(inputs.size());
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    threads.emplace_back([&, i] {
      for (int run = 0; run < 5; ++run) agree[i] += equal(plan.run({inputs[i]}), expected[i]) ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(agree == std::vector<int>(inputs.size(), 5));
}

TEST_CASE("a plan gives the same bits for any number of threads", "[plan]") {
  const SmallUNet network;
  const Tensor x = random_f32({2, 48, 20, 3});
  const Plan plan = Plan::inference([&](const Tensors& in) { return network(in[0]); }, {x.shape()});
  const int before = num_threads();
  set_num_threads(1);
  const Tensor expected = plan.run({x});
  for (int threads : {2, 3, 7}) {
    set_num_threads(threads);
    CHECK(equal(plan.run({x}), expected));
  }
  set_num_threads(before);
}

TEST_CASE("a plan follows its parameters", "[plan]") {
  const SmallUNet network;
  const Tensor x = random_f32({1, 8, 12, 3});
  const Plan plan = Plan::inference([&](const Tensors& in) { return network(in[0]); }, {x.shape()});
  Tensors all = network.parameters();
  for (const Tensor& t : network.statistics()) all.push_back(t);
  const Tensor first = plan.run({x});
  for (std::size_t i = 0; i < all.size(); ++i) {
    CAPTURE(i);
    const Tensor& t = all[i];
    const Tensor before = t.detach().clone(), other = add_scalar(scale(t.detach(), 2), 0.5);
    if (i % 2 == 0) t.copy_from(other);
    if (i % 2 == 1) t.replace(other);
    const Tensor got = plan.run({x});
    CHECK(relative_difference(got, network(x)) < 2e-5);
    CHECK(relative_difference(got, first) > 1e-4);
    t.copy_from(before);
    CHECK(equal(plan.run({x}), first));
  }
}

TEST_CASE("a function that looks at numbers has no plan", "[plan]") {
  CHECK_THROWS_WITH(Plan::inference([](const Tensors& in) { return scale(in[0], in[0].item()); }, {{1}}),
                    Contains("[item] this tensor [1] has a shape and no numbers"));
}

TEST_CASE("a run of a plan is profiled step by step", "[plan]") {
  const SmallUNet network;
  const Plan plan = Plan::inference([&](const Tensors& in) { return network(in[0]); }, {{1, 16, 16, 3}});
  const Tensor x = random_f32({1, 16, 16, 3});
  plan.run({x});
  const Profile profile;
  plan.run({x});
  REQUIRE(profile.entries().size() == plan.graph().steps().size());
  std::size_t i = 0;
  for (const Step& step : plan.graph().steps()) CHECK(profile.entries()[i++].op == step.operation.name);
}

// ---- training ----

TEST_CASE("a training plan without rules is forward pass, loss and backward(), bit for bit", "[plan]") {
  const SmallUNet network;
  network.learn();
  const Tensor stream = Tensor::from<std::int64_t>({2}, {5, 0});
  const auto loss_of = [&](const Tensors& in) {
    const Tensor z = network(dropout(in[0], 0.1, true, stream), true);
    return add(scale(bce_with_logits(z, in[1]), 0.5), scale(dice_loss(z, in[1]), 0.5));
  };
  const Tensors batch{random_f32({2, 8, 10, 3}), clamp(random_f32({2, 8, 10, 1}), 0, 1)};
  Tensors changed = network.statistics();
  changed.push_back(stream);
  const auto copies_of = [](const Tensors& tensors) {
    Tensors copies;
    for (const Tensor& t : tensors) copies.push_back(t.clone());
    return copies;
  };
  const Tensors start = copies_of(changed);
  const Plan plan = Plan::training(Plan::Function(loss_of), {batch[0].shape(), batch[1].shape()}, no_rules);
  for (std::size_t i = 0; i < changed.size(); ++i)
    CHECK(std::equal(static_cast<const char*>(changed[i].raw_data()),
                     static_cast<const char*>(changed[i].raw_data()) + changed[i].bytes(),
                     static_cast<const char*>(start[i].raw_data())));  // planning moves nothing

  for (int step = 0; step < 3; ++step) {
    const Tensors before = copies_of(changed);
    for (const Tensor& p : network.parameters()) p.zero_grad();
    const Tensor loss = plan.run(batch);
    Tensors gradients;
    for (const Tensor& p : network.parameters()) {
      REQUIRE(p.grad().defined());
      gradients.push_back(p.grad().clone());
      p.zero_grad();
    }
    const Tensors after = copies_of(changed);
    for (std::size_t i = 0; i < changed.size(); ++i) changed[i].copy_from(before[i]);
    const Tensor expected = loss_of(batch);
    expected.backward();
    CHECK(equal(loss, expected));
    std::size_t i = 0;
    for (const Tensor& p : network.parameters()) CHECK(equal(gradients[i++], p.grad()));
    for (std::size_t k = 0; k + 1 < changed.size(); ++k) CHECK(equal(after[k], changed[k]));
    CHECK(stream.data<std::int64_t>()[1] == step + 1);
    // As an optimizer does: the next step starts elsewhere.
    for (const Tensor& p : network.parameters()) p.copy_from(subtract(p.detach(), scale(p.grad(), 0.1)));
  }
}

TEST_CASE("a training plan sets gradients, and adds nothing to what was there", "[plan]") {
  const Tensor w = tensor({2}, {3, 5}).to(DType::f32).set_requires_grad(true);
  const Plan plan = Plan::training([&](const Tensors& in) { return sum(multiply(in[0], w)); }, {{2}});
  const Tensor x = tensor({2}, {1, 10}).to(DType::f32);
  w.set_grad(Tensor::full({2}, 100));
  for (int run = 0; run < 2; ++run) {
    CHECK(plan.run({x}).item() == 53);
    CHECK(equal(w.grad(), x));
  }
  sum(w).backward();  // eager passes add to it, as ever
  CHECK(equal(w.grad(), add_scalar(x, 1)));
  plan.run({x});
  CHECK(equal(w.grad(), x));
}

TEST_CASE("a training plan leaves frozen parameters and those of other networks alone", "[plan]") {
  const Tensor learns = random_f32({3}).set_requires_grad(true), frozen = random_f32({3}),
               elsewhere = random_f32({3}).set_requires_grad(true),
               beside_the_loss = random_f32({3}).set_requires_grad(true);
  const auto f = [&](const Tensors& in) {
    const Tensor y = multiply(in[0], add(learns, frozen));
    return Tensors{sum(y), multiply(y, beside_the_loss)};
  };
  const Plan plan = Plan::training(f, {floats({3})});
  const Tensor x = random_f32({3});
  const Tensors got = plan.run_all({x}), expected = f({x});
  REQUIRE(got.size() == 2);
  CHECK(equal(got[0], expected[0]));
  CHECK(equal(got[1], expected[1]));
  CHECK(equal(learns.grad(), x));
  CHECK_FALSE(frozen.grad().defined());
  CHECK_FALSE(elsewhere.grad().defined());
  CHECK_FALSE(beside_the_loss.grad().defined());
}

TEST_CASE("gradients that are the same tensor, an input, a parameter or a number", "[plan]") {
  const Tensor a = random_f32({3}).set_requires_grad(true), b = random_f32({3}).set_requires_grad(true),
               c = random_f32({}).set_requires_grad(true), d = random_f32({3}).set_requires_grad(true);
  // dL/da and dL/db are one tensor, dL/dd is the input, dL/dc is 1.
  const auto loss_of = [&](const Tensors& in) {
    return add(sum(add(multiply(add(a, b), in[1]), multiply(d, in[0]))), c);
  };
  const Plan plan = Plan::training(Plan::Function(loss_of), {{3}, {3}});
  const Tensors x{random_f32({3}), random_f32({3})}, parameters{a, b, c, d};
  for (int run = 0; run < 2; ++run) {
    const Tensor loss = plan.run(x);
    Tensors gradients;
    for (const Tensor& p : parameters) {
      gradients.push_back(p.grad());
      p.zero_grad();
    }
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      for (std::size_t k = 0; k < i; ++k) CHECK(gradients[i].raw_data() != gradients[k].raw_data());
      for (const Tensor& input : x) CHECK(gradients[i].raw_data() != input.raw_data());
    }
    const Tensor expected = loss_of(x);
    expected.backward();
    CHECK(equal(loss, expected));
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      CHECK(equal(gradients[i], parameters[i].grad()));
      parameters[i].zero_grad();
    }
  }
}

TEST_CASE("a training plan of weights that are computed from parameters", "[plan]") {
  const Tensor w = random_f32({4, 3, 3, 3}).set_requires_grad(true), b = random_f32({4}).set_requires_grad(true);
  const auto loss_of = [&](const Tensors& in) {
    const Tensor standardised = subtract(w, mean(w, {1, 2, 3}, true));
    const Tensor y = add(conv2d(in[0], standardised), reshape(b, {1, 1, 1, 4}));
    return add(mean(multiply(y, y)), scale(add(sum(multiply(w, w)), sum(b)), 0.01));
  };
  const Plan plan = Plan::training(Plan::Function(loss_of), {{1, 6, 5, 3}});
  const Tensor x = random_f32({1, 6, 5, 3});
  for (int run = 0; run < 2; ++run) {
    plan.run({x});
    const Tensor dw = w.grad().clone(), db = b.grad().clone();
    w.zero_grad(), b.zero_grad();
    loss_of({x}).backward();
    CHECK(equal(dw, w.grad()));
    CHECK(equal(db, b.grad()));
    w.copy_from(random_f32(w.shape())), b.copy_from(random_f32(b.shape()));
  }
}

TEST_CASE("a training plan follows its parameters, also through what is frozen", "[plan]") {
  const SmallUNet network;
  network.head.set_requires_grad(true);
  const auto loss_of = [&](const Tensors& in) { return bce_with_logits(network(in[0]), in[1]); };
  const Tensors batch{random_f32({1, 8, 8, 3}), clamp(random_f32({1, 8, 8, 1}), 0, 1)};
  const Plan plan = Plan::training(Plan::Function(loss_of), {batch[0].shape(), batch[1].shape()});
  for (int run = 0; run < 3; ++run) {
    const Tensor loss = plan.run(batch), gradient = network.head.grad().clone();
    network.head.zero_grad();
    const Tensor expected = loss_of(batch);
    expected.backward();
    CHECK(relative_difference(loss, expected) < 1e-5);
    CHECK(relative_difference(gradient, network.head.grad()) < 1e-4);
    network.head.mutable_data<float>()[0] += 1;
    network.stem.mutable_data<float>()[0] += 1;
  }
}

TEST_CASE("a training plan refuses what is no loss", "[plan]") {
  const Tensor w = random_f32({2}).set_requires_grad(true), frozen = random_f32({2});
  const auto plan_of = [](const Plan::Function& f) { return Plan::training(f, {{2}}); };
  CHECK_THROWS_WITH(plan_of([&](const Tensors& in) { return multiply(in[0], w); }),
                    Contains("[plan] a training step's first result is its loss, a scalar"));
  CHECK_THROWS_WITH(Plan::training([](const Tensors&) { return Tensors{}; }, {floats({2})}),
                    Contains("[plan] a training step's first result is its loss, a scalar"));
  CHECK_THROWS_WITH(plan_of([&](const Tensors& in) { return sum(multiply(in[0], frozen)); }),
                    Contains("expected a scalar with history"));
  CHECK_THROWS_WITH(plan_of([&](const Tensors&) { return Tensor::full({}, 1); }),
                    Contains("[plan] the loss does not depend"));
  const Tensor before = scale(w, 2);
  CHECK_THROWS_WITH(
      plan_of([&](const Tensors& in) { return sum(multiply(in[0], before)); }),
      Contains("[plan] scale [2] was computed from parameters before the step; compute it within, or detach() it"));
}
