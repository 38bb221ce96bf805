// What a profile says of the work: multiply-adds as of a plain convolution, whatever the kernel saves.

#include "core/profile.h"

#include <map>

#include "tests/op_checks.h"

using namespace weft;
using namespace weft::test;

namespace {

/// Multiply-adds by operation of y = f() and its gradients.
template <class F>
std::map<std::string, std::int64_t> multiply_adds(F&& f) {
  const Profile profile;
  const Tensor y = f();
  backward(y, Tensor::full(y.shape(), 1, y.dtype()));
  std::map<std::string, std::int64_t> macs;
  for (const ProfileEntry& entry : profile.entries()) {
    if (entry.macs > 0) macs[entry.op] += entry.macs;
  }
  return macs;
}

}  // namespace

TEST_CASE("a profile counts the multiply-adds of convolutions", "[profile]") {
  const Tensor x = random_f32({2, 6, 5, 16}).set_requires_grad(true);
  const Tensor w = random_f32({24, 16, 3, 3}).set_requires_grad(true);
  const Tensor grouped = random_f32({8, 4, 3, 3}).set_requires_grad(true);
  const Tensor up = random_f32({16, 12, 2, 2}).set_requires_grad(true);
  using Macs = std::map<std::string, std::int64_t>;

  const std::int64_t plain = 2 * 6 * 5 * 24 * 16 * 9;
  CHECK(multiply_adds([&] { return conv2d(x, w, Tensor(), {.padding = 1}); }) ==
        Macs{{"conv2d", plain}, {"conv2d_input_gradient", plain}, {"conv2d_weight_gradient", plain}});
  const std::int64_t coarse = 2 * 3 * 3 * 8 * 4 * 9;
  CHECK(multiply_adds([&] { return conv2d(x, grouped, Tensor(), {.stride = 2, .padding = 1, .groups = 4}); }) ==
        Macs{{"conv2d", coarse}, {"conv2d_input_gradient", coarse}, {"conv2d_weight_gradient", coarse}});
  const std::int64_t stamped = 2 * 6 * 5 * 16 * 12 * 4;  // each input pixel its filter; dx is a conv2d
  CHECK(multiply_adds([&] { return conv_transpose2d(x, up, Tensor(), {.stride = 2}); }) ==
        Macs{{"conv_transpose2d", stamped}, {"conv2d", stamped}, {"conv2d_weight_gradient", stamped}});
}

TEST_CASE("a profile counts the bytes that must move", "[profile]") {
  const Tensor x = random_f32({2, 6, 4, 16}).set_requires_grad(true);
  const Tensor w = random_f32({24, 16, 3, 3}), b = random_f32({24});
  const Profile profile;
  const Tensor y = conv2d(x, w, b, {.padding = 1}), pooled = max_pool2d(x, {});
  backward(pooled, Tensor::full(pooled.shape(), 1));
  const auto bytes = [&](const std::string& op) {
    for (const ProfileEntry& entry : profile.entries()) {
      if (entry.op == op) return entry.bytes;
    }
    return std::int64_t{-1};
  };
  CHECK(bytes("conv2d") == 4 * (x.count() + w.count() + b.count() + y.count()));
  CHECK(bytes("max_pool2d") == 4 * (x.count() + pooled.count()) + pooled.count());  // the winners' places: a byte each
  CHECK(bytes("max_pool2d_gradient") == 4 * (x.count() + pooled.count()) + pooled.count());
}
