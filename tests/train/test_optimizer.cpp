#include "train/optimizer.h"

#include <functional>

#include "core/parallel.h"
#include "tests/gradcheck.h"
#include "train/adam.h"
#include "train/sgd.h"

using namespace weft;
using namespace weft::test;

namespace {

using Make = std::function<std::unique_ptr<Optimizer>(std::vector<ParameterGroup>)>;

Make adam(const AdamOptions& options) {
  return [=](auto groups) { return std::make_unique<Adam>(std::move(groups), options); };
}
Make sgd(const SgdOptions& options) {
  return [=](auto groups) { return std::make_unique<Sgd>(std::move(groups), options); };
}

Tensor start() { return tensor({3}, {1, -2, 0.5}).set_requires_grad(true); }

/// The gradient of sum(s (p - t)^2) / 2 with s = (1, 2, 3) and t = (k, 1, -k) at step k.
void set_gradient(const Tensor& p, int k) {
  const double t[] = {double(k), 1, -double(k)};
  Tensor gradient = Tensor::empty({3}, DType::f64);
  for (int i = 0; i < 3; ++i) gradient.mutable_data<double>()[i] = (p.data<double>()[i] - t[i]) * (i + 1);
  p.set_grad(gradient);
}

void train(Optimizer& optimizer, const Tensor& p, int first, int last) {
  for (int k = first; k < last; ++k) {
    set_gradient(p, k);
    optimizer.step(0.1);
  }
}

}  // namespace

TEST_CASE("optimizers follow PyTorch", "[train]") {
  // torch.optim 1.13 in float64, lr 0.1, three steps of set_gradient().
  const struct {
    Make make;
    double expected[3];
  } cases[] = {
      {adam({}), {0.8590326802769447, -1.7003815234507471, 0.2149249174608872}},
      {adam({.weight_decay = 0.2}), {0.8266483310926735, -1.7003955901530976, 0.21396083917872175}},
      {adam({.weight_decay = 0.2, .decoupled = true}), {0.8088154480624803, -1.5889079564902324, 0.1911955222805446}},
      {sgd({.momentum = 0.9, .weight_decay = 0.2}), {0.772192, 0.9455360000000003, -1.242224}},
      {sgd({.momentum = 0}), {1.019, -0.536, -0.6385}},
  };
  for (const auto& [make, expected] : cases) {
    const Tensor p = start();
    train(*make({{{{"p", p}}}}), p, 0, 3);
    for (int i = 0; i < 3; ++i) CHECK(p.data<double>()[i] == Approx(expected[i]).epsilon(1e-13));
  }
}

TEST_CASE("an optimizer continues from its state bit by bit", "[train]") {
  for (const Make& make : {adam({.weight_decay = 0.1}), sgd({})}) {
    const Tensor straight = start(), broken = start();
    train(*make({{{{"p", straight}}}}), straight, 0, 7);

    const auto first = make({{{{"p", broken}}}});
    train(*first, broken, 0, 3);
    const auto second = make({{{{"p", broken}}}});
    second->load_state(first->state());
    train(*second, broken, 3, 7);
    CHECK(equal(straight, broken));
  }
}

TEST_CASE("parameters without a gradient stay, and groups have their own rate", "[train]") {
  const Tensor a = start(), b = start(), c = start();
  Sgd optimizer({{{{"a", a}, {"b", b}}}, {{{"c", c}}, 0.5}}, {.momentum = 0});
  set_gradient(a, 0);
  set_gradient(c, 0);
  optimizer.step(0.1);
  CHECK(equal(b, start()));
  for (int i = 0; i < 3; ++i) {
    CHECK(c.data<double>()[i] - b.data<double>()[i] == Approx((a.data<double>()[i] - b.data<double>()[i]) / 2));
  }
  CHECK(optimizer.state().size() == 4);  // step and m of a and c: nothing is remembered of b
}

TEST_CASE("an optimizer refuses a state that is not its own", "[train]") {
  const Tensor p = start();
  Adam optimizer(nn::StateDict{{"p", p}});
  train(optimizer, p, 0, 1);
  const auto message = [&](nn::StateDict state) {
    try {
      optimizer.load_state(state, "run/checkpoint");
      return std::string("accepted");
    } catch (const Error& error) {
      return std::string(error.what());
    }
  };
  const nn::StateDict good = optimizer.state();
  CHECK(message(good) == "accepted");
  CHECK_THAT(message({good[0], good[1]}), Contains("run/checkpoint: p.v is missing"));
  CHECK_THAT(message({good[0], good[1], {"p.v", tensor({2}, {1, 2})}}),
             Contains("p.v is float64 [2], expected float64 [3]"));
  CHECK_THAT(message({good[0], good[1], good[2], {"q.m", good[1].tensor}}), Contains("q.m belongs to no parameter"));
  CHECK_THAT(message({{"p.step", Tensor::full({}, 0, DType::i64)}, good[1], good[2]}), Contains("p.step is 0"));
  CHECK_THROWS_WITH(Sgd(nn::StateDict{{"p", p}, {"p", p}}), Contains("p is given twice"));
  CHECK_THROWS_WITH(Adam(nn::StateDict{}, {.beta1 = 1}), Contains("betas in [0, 1)"));
  CHECK_THROWS_WITH(optimizer_from("lion"), Contains("there are adam, adamw, sgd"));
}

TEST_CASE("step() takes the rate that an optimizer was made with", "[train]") {
  const Tensor p = start(), q = start();
  Adam own(nn::StateDict{{"p", p}}, {.rate = 0.02}), told(nn::StateDict{{"q", q}});
  p.set_grad(p.clone());
  q.set_grad(q.clone());
  own.step();
  told.step(0.02);
  CHECK(std::ranges::equal(p.values<double>(), q.values<double>()));
  CHECK_THROWS_WITH(Sgd(nn::StateDict{}, {.rate = -1}), Contains("learning rate >= 0"));
}

TEST_CASE("optimizers give the same bits for every thread count", "[train]") {
  const Tensor initial = random_f32({3, 50000}), gradient = random_f32({3, 50000});
  const int before = num_threads();
  Tensor expected;
  for (int threads : {1, 2, 3}) {
    set_num_threads(threads);
    const Tensor p = initial.clone().set_requires_grad(true);
    Adam optimizer(nn::StateDict{{"p", p}});
    for (int k = 0; k < 2; ++k) {
      p.set_grad(gradient);
      optimizer.step(1e-3);
    }
    if (!expected.defined()) expected = p;
    CHECK(equal(p, expected));
  }
  set_num_threads(before);
}
