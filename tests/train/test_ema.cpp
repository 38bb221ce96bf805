#include "train/ema.h"

#include "core/check.h"
#include "tests/gradcheck.h"

using namespace weft;
using namespace weft::test;

namespace {
struct Weights : nn::Module {
  Tensor w = register_parameter("w", Tensor::zeros({2}));
  Tensor count = register_buffer("count", Tensor::zeros({}, DType::i64));
};
}  // namespace

TEST_CASE("the average follows the weights", "[train]") {
  Weights model;
  Ema ema(model, 0.5);
  model.w.fill(11);
  model.count.fill(3);
  ema.update();  // d = min(0.5, 2 / 11): 9 / 11 of the new
  CHECK(ema.average()[0].tensor.data<float>()[0] == Approx(9));
  CHECK(ema.average()[1].tensor.item() == 3);
  for (int i = 0; i < 8; ++i) ema.update();
  model.w.fill(1);
  const float before = ema.average()[0].tensor.data<float>()[0];
  ema.update();  // now (1 + 10) / (10 + 10) > 0.5
  CHECK(ema.average()[0].tensor.data<float>()[0] == Approx((before + 1) / 2));
  CHECK_THROWS_WITH(Ema(model, 1), Contains("between 0 and 1, got 1"));
}

TEST_CASE("the average can be put into the module and taken out again", "[train]") {
  Weights model;
  Ema ema(model, 0.9);
  model.w.fill(5);
  {
    Ema::Applied applied(ema);
    CHECK(model.w.data<float>()[0] == 0);
  }
  CHECK(model.w.data<float>()[0] == 5);
  CHECK(ema.average()[0].tensor.data<float>()[0] == 0);

  Ema other(model, 0.9);
  other.load_state({ema.average()[1], ema.average()[0]}, 7);  // in any order
  CHECK(other.updates() == 7);
  CHECK(equal(other.average()[0].tensor, ema.average()[0].tensor));
  CHECK_THROWS_WITH(other.load_state({{"w", Tensor::zeros({3})}, ema.average()[1]}, 7, "run"),
                    Contains("run: the average of w is float32 [3], expected float32 [2]"));
}
