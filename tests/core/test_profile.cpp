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
  const Tensor skip = random_f32({2, 12, 10, 4}).set_requires_grad(true);
  const Tensor w = random_f32({24, 16, 3, 3}).set_requires_grad(true);
  const Tensor up_w = random_f32({24, 20, 3, 3}).set_requires_grad(true);
  using Macs = std::map<std::string, std::int64_t>;

  const std::int64_t plain = 2 * 6 * 5 * 24 * 16 * 9;
  CHECK(multiply_adds([&] { return conv2d(x, w, Tensor(), {.padding = 1}); }) ==
        Macs{{"conv2d", plain}, {"conv2d dx", plain}, {"conv2d dw", plain}});

  const std::int64_t channel = 2 * 12 * 10 * 24 * 9;  // an input channel's, on the larger grid
  CHECK(multiply_adds([&] { return upsample_conv2d(x, skip, up_w); }) ==
        Macs{{"upsample_conv2d", 20 * channel},
             {"upsample_conv2d dx", 16 * channel},
             {"upsample_conv2d dskip", 4 * channel},
             {"upsample_conv2d dw", 20 * channel}});
}

TEST_CASE("a profile counts the bytes that must move", "[profile]") {
  const Tensor x = random_f32({2, 6, 4, 16}).set_requires_grad(true), skip = random_f32({2, 12, 8, 4});
  const Tensor w = random_f32({24, 20, 3, 3});
  const Profile profile;
  const Tensor wide = upsample_conv2d(x, skip, w), pooled = max_pool2d(x, {});
  backward(pooled, Tensor::full(pooled.shape(), 1));
  const auto bytes = [&](const std::string& op) {
    for (const ProfileEntry& entry : profile.entries()) {
      if (entry.op == op) return entry.bytes;
    }
    return std::int64_t{-1};
  };
  CHECK(bytes("upsample_conv2d") == 4 * (x.count() + skip.count() + w.count() + wide.count()));
  CHECK(bytes("max_pool2d") == 4 * (x.count() + pooled.count()));
  CHECK(bytes("max_pool2d dx") == 4 * (x.count() + pooled.count()));
}
