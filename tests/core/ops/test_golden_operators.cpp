// The operations against PyTorch (tests/golden/README.md).

#include <cmath>
#include <functional>
#include <map>

#include "core/autograd.h"
#include "core/ops.h"
#include "tests/catch.h"
#include "tests/golden/golden.h"

using namespace weft;
using namespace weft::test;
using nlohmann::json;

namespace {

/// The inputs of a case by name; undefined where it has none of that name.
class Inputs {
 public:
  Inputs(const json& inputs, DType dtype) {
    for (const auto& [name, described] : inputs.items()) {
      const Tensor t = golden_tensor(described, dtype);
      tensors_[name] = name.starts_with("running") ? t : t.set_requires_grad(true);
    }
  }
  Tensor operator[](const std::string& name) const {
    const auto found = tensors_.find(name);
    return found == tensors_.end() ? Tensor() : found->second;
  }

 private:
  std::map<std::string, Tensor> tensors_;
};

Pool2dOptions pool_options(const json& o) {
  return {.kernel = o["kernel"], .stride = o["stride"], .padding = o["padding"]};
}

using Operator = std::function<Tensor(const Inputs&, const json& options)>;

const std::map<std::string, Operator> operators = {
    {"conv2d",
     [](const Inputs& in, const json& o) {
       return conv2d(
           in["x"], in["weight"], in["bias"],
           {.stride = o["stride"], .padding = o["padding"], .dilation = o["dilation"], .groups = o["groups"]});
     }},
    {"conv_transpose2d",
     [](const Inputs& in, const json& o) {
       return conv_transpose2d(in["x"], in["weight"], in["bias"],
                               {.stride = o["stride"], .padding = o["padding"], .output_padding = o["output_padding"]});
     }},
    {"max_pool2d", [](const Inputs& in, const json& o) { return max_pool2d(in["x"], pool_options(o)); }},
    {"avg_pool2d", [](const Inputs& in, const json& o) { return avg_pool2d(in["x"], pool_options(o)); }},
    {"upsample_nearest2x", [](const Inputs& in, const json&) { return upsample_nearest2x(in["x"]); }},
    {"upsample_bilinear2x", [](const Inputs& in, const json&) { return upsample_bilinear2x(in["x"]); }},
    {"batch_norm",
     [](const Inputs& in, const json& o) {
       return batch_norm(in["x"], in["gamma"], in["beta"], in["running_mean"], in["running_var"],
                         {.training = o["training"], .momentum = o["momentum"], .epsilon = o["epsilon"]});
     }},
};

const std::map<std::string, std::function<Tensor(const Tensor& logits, const json& targets)>> losses = {
    {"dice_loss", [](const Tensor& z, const json& t) { return dice_loss(z, golden_tensor(t, z.dtype())); }},
    {"bce_with_logits", [](const Tensor& z, const json& t) { return bce_with_logits(z, golden_tensor(t, z.dtype())); }},
    {"softmax_cross_entropy",
     [](const Tensor& z, const json& t) {
       return softmax_cross_entropy(z, Tensor::from({z.size(0)}, t["values"].get<std::vector<std::int64_t>>()));
     }},
};

/// Largest difference of two elements, over the largest expected one where that exceeds 1; infinity for a NaN.
double difference(const Tensor& actual, const json& described) {
  REQUIRE(actual.defined());
  const Tensor expected = golden_tensor(described, DType::f64);
  REQUIRE(actual.shape() == expected.shape());
  const Tensor apart = subtract(actual.to(DType::f64), expected);
  double largest = 0, range = 1;
  for (double d : apart.values<double>()) largest = std::max(largest, std::isnan(d) ? INFINITY : std::abs(d));
  for (double e : expected.values<double>()) range = std::max(range, std::abs(e));
  return largest / range;
}

}  // namespace

TEST_CASE("operations and their gradients are PyTorch's", "[ops][golden]") {
  for (const auto& test : golden_file("operators.json")) {
    const std::string name = test["name"];
    const Operator& run = operators.at(name.substr(0, name.find(' ')));
    for (const auto& [dtype, tolerance] : {std::pair{DType::f64, 1e-13}, {DType::f32, 2e-6}}) {
      INFO(name << " " << dtype_name(dtype));
      const Inputs inputs(test["inputs"], dtype);
      const Tensor y = run(inputs, test["options"]);
      CHECK(difference(y, test["y"]) < tolerance);
      backward(y, golden_tensor(test["dy"], dtype));
      for (const auto& [input, gradient] : test["gradients"].items()) {
        INFO("gradient of " << input);
        CHECK(difference(inputs[input].grad(), gradient) < tolerance);
      }
      if (!test.contains("running")) continue;
      for (const auto& [buffer, values] : test["running"].items()) {
        CHECK(difference(inputs[buffer], values) < tolerance);
      }
    }
  }
}

TEST_CASE("losses and their gradients are PyTorch's", "[ops][golden]") {
  for (const auto& test : golden_file("losses.json")) {
    for (const auto& [dtype, tolerance] : {std::pair{DType::f64, 1e-13}, {DType::f32, 1e-6}}) {
      INFO(test["loss"] << " of " << test["logits"]["values"] << ", " << test["targets"]["values"] << " "
                        << dtype_name(dtype));
      const Tensor z = golden_tensor(test["logits"], dtype).set_requires_grad(true);
      const Tensor loss = losses.at(test["loss"])(z, test["targets"]);
      CHECK(loss.item() == Approx(test["value"].get<double>()).epsilon(tolerance).margin(tolerance));
      loss.backward();
      CHECK(difference(z.grad(), test["gradient"]) < tolerance);
    }
  }
}
