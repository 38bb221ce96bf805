#include "core/tensor.h"

#include "core/parallel.h"
#include "tests/gradcheck.h"

using namespace weft;
using namespace weft::test;

TEST_CASE("shapes count, compare, print and refuse nonsense", "[tensor]") {
  CHECK(Shape{2, 3, 4}.count() == 24);
  CHECK(Shape{}.count() == 1);
  CHECK(Shape{0, 5}.count() == 0);
  CHECK(Shape{2, 3}[-1] == 3);
  CHECK(Shape{2, 128, 128, 32}.to_string() == "[2, 128, 128, 32]");
  CHECK_FALSE(Shape{2, 1} == Shape{2});
  CHECK_THROWS_WITH((Shape{2, -1}), Contains("expected sizes of 0 or more, got [2, -1]"));
  CHECK_THROWS_WITH((Shape{1, 1, 1, 1, 1, 1, 1}), Contains("at most 6 axes"));
  CHECK_THROWS_WITH((Shape{INT64_MAX, 3}), Contains("too many elements"));
}

TEST_CASE("handles share a buffer, clones do not", "[tensor]") {
  const Tensor a = iota({2, 2});
  const Tensor b = a;
  const Tensor c = a.clone();
  b.mutable_data<double>()[0] = 7;
  CHECK(a.data<double>()[0] == 7);
  CHECK(c.data<double>()[0] == 0);
  CHECK(a.view({4}).shares_buffer_with(a));
  CHECK_FALSE(a.is_sole_owner());
  CHECK(c.is_sole_owner());
}

TEST_CASE("types are checked and converted", "[tensor]") {
  const Tensor a = iota({3});
  CHECK_THROWS_WITH(a.data<float>(), Contains("expected float32, got float64 [3]"));
  CHECK(a.to(DType::f32).data<float>()[2] == 2.0f);
  CHECK(a.to(DType::i64).data<std::int64_t>()[2] == 2);
  CHECK_THROWS_WITH(Tensor().shape(), Contains("undefined"));
  CHECK_THROWS_WITH(a.item(), Contains("expected a single element, got [3]"));
  CHECK_THROWS_WITH(a.nhwc(), Contains("expected [N, H, W, C], got [3]"));
}

TEST_CASE("an undefined tensor says so", "[tensor]") {
  CHECK_THROWS_WITH(Tensor().set_requires_grad(false), Contains("undefined"));
  CHECK_THROWS_WITH(Tensor().replace(Tensor::full({1}, 1)), Contains("undefined"));
}

TEST_CASE("writing counts a version", "[tensor]") {
  const Tensor a = iota({3});
  const auto before = a.version();
  a.data<double>();
  CHECK(a.version() == before);
  a.fill(1);
  CHECK(a.version() == before + 1);
}

TEST_CASE("parallel_for runs each task once and passes on the first error", "[parallel]") {
  const int before = num_threads();
  for (int threads : {1, 2, 3}) {
    set_num_threads(threads);
    std::vector<int> runs(100);
    parallel_for(100, [&](std::int64_t i) { ++runs[static_cast<std::size_t>(i)]; });
    CHECK(std::all_of(runs.begin(), runs.end(), [](int r) { return r == 1; }));
    CHECK_THROWS_WITH(parallel_for(50,
                                   [](std::int64_t i) {
                                     if (i % 7 == 3) fail("task {}", i);
                                   }),
                      Contains("task 3"));
  }
  set_num_threads(before);
  CHECK_THROWS_WITH(set_num_threads(0), Contains("expected 1 to 1024 threads, got 0"));
}
