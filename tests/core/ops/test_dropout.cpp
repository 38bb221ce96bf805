#include "tests/op_checks.h"

using namespace weft;
using namespace weft::test;

namespace {
Tensor stream_of(std::int64_t seed) { return Tensor::from<std::int64_t>({2}, {seed, 0}); }
}  // namespace

TEST_CASE("dropout", "[ops]") {
  // A fresh stream of the same seed draws the same mask each time, so differences can be taken.
  const TensorFunction f = [](const Tensors& in) { return dropout(in[0], 0.3, true, stream_of(7)); };
  for (const Shape& s : {Shape{1}, Shape{2, 3, 5, 7}}) check_gradient(f, {random_f64(s)});
  check_threads(f, {random_f64({70001})});
  check_float32(f, {random_f64({999})});
  check_adjoint([&](const Tensor& x) { return f({x}); }, {1, 5, 7, 3});

  const Tensor stream = stream_of(1);
  const Tensor x = Tensor::full({100000}, 1, DType::f64);
  CHECK(dropout(x, 0.3, false, stream).shares_buffer_with(x));
  CHECK(equal(dropout(x, 0, true, stream), x));
  CHECK_THROWS_WITH(dropout(x, 1, true, stream), Contains("[dropout] expected a probability in [0, 1), got 1"));
  CHECK_THROWS_WITH(dropout(x, NAN, true, stream), Contains("[dropout] expected a probability in [0, 1), got nan"));
  CHECK_THROWS_WITH(dropout(x, 0.5, true, Tensor::zeros({2}, DType::f64)),
                    Contains("[dropout] expected a stream int64 [2], its seed and how often it was drawn from, got "
                             "float64 [2]"));
}

TEST_CASE("dropout keeps the expectation and draws a new mask each time", "[ops]") {
  const Tensor stream = stream_of(1);
  const Tensor x = Tensor::full({100000}, 1, DType::f64);
  const Tensor y = dropout(x, 0.2, true, stream);
  const auto values = y.values<double>();
  const auto kept = std::count(values.begin(), values.end(), 1.25),
             dropped = std::count(values.begin(), values.end(), 0.0);
  CHECK(kept + dropped == 100000);
  CHECK(std::abs(static_cast<double>(dropped) - 20000) <
        5 * std::sqrt(100000 * 0.2 * 0.8));  // five standard deviations
  CHECK(stream.data<std::int64_t>()[1] == 1);
  CHECK_FALSE(equal(y, dropout(x, 0.2, true, stream)));
  CHECK(stream.data<std::int64_t>()[1] == 2);
  dropout(x, 0.2, false, stream);
  CHECK(stream.data<std::int64_t>()[1] == 2);  // evaluation draws nothing

  // A stream is where it was left: the third mask, and not the first ones of other seeds.
  CHECK(equal(dropout(x, 0.2, true, Tensor::from<std::int64_t>({2}, {1, 2})), dropout(x, 0.2, true, stream)));
  CHECK_FALSE(equal(y, dropout(x, 0.2, true, stream_of(2))));
}
