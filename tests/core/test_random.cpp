#include "core/random.h"

#include "tests/catch.h"

using weft::Random;

TEST_CASE("a stream depends on its whole key and on nothing else", "[random]") {
  CHECK(Random(1, {2, 3}).next() == Random(1, {2, 3}).next());
  CHECK(Random(1, {2, 3}).next() != Random(1, {3, 2}).next());
  CHECK(Random(1, {2}).next() != Random(2, {2}).next());
  CHECK(Random(1, {0}).next() != Random(1).next());
}

TEST_CASE("uniform, below and normal have the moments they should", "[random]") {
  Random draw(7);
  double sum = 0, normal_sum = 0, normal_squares = 0;
  std::vector<int> counts(5);
  const int n = 100000;
  for (int i = 0; i < n; ++i) {
    sum += draw.uniform();
    const double z = draw.normal();
    normal_sum += z;
    normal_squares += z * z;
    ++counts[draw.below(5)];
  }
  CHECK(sum / n == Approx(0.5).margin(0.005));
  CHECK(normal_sum / n == Approx(0.0).margin(0.015));
  CHECK(normal_squares / n == Approx(1.0).margin(0.02));
  for (int count : counts) CHECK(count == Approx(n / 5).epsilon(0.03));
}
