// A training step whose activations are made again in the backward pass.

#include <optional>
#include <string>

#include "core/allocator.h"
#include "core/autograd.h"
#include "models/unet.h"
#include "tests/gradcheck.h"

using namespace weft;
using namespace weft::test;

namespace {

struct Step {
  double loss;
  std::vector<nn::NamedTensor> gradients, buffers;
  // Above what lived before: what the backward pass will find, and the most.
  std::size_t kept_bytes, peak_bytes;
};

Step run_step(const std::string& arch, bool recomputes) {
  UNet network({.arch = arch});
  network.initialise(3);
  const Tensor pictures = random_tensor({2, 96, 64, 3}, DType::f32, 4);
  const Tensor masks = relu(random_tensor({2, 96, 64, 1}, DType::f32, 5));
  const std::size_t before = memory_use().live_bytes;
  reset_peak_memory();

  std::optional<RecomputeActivations> recompute;
  if (recomputes) recompute.emplace();
  const Tensor loss = bce_with_logits(network.forward(pictures), masks);
  const std::size_t kept = memory_use().live_bytes - before;
  loss.backward();
  Step step{loss.item(), {}, {}, kept, memory_use().peak_bytes - before};
  for (const auto& [name, tensor] : network.named_parameters()) step.gradients.push_back({name, tensor.grad()});
  for (const auto& [name, tensor] : network.named_buffers()) step.buffers.push_back({name, tensor.to(DType::f64)});
  return step;
}

}  // namespace

TEST_CASE("activations that are made again change no bit and take less memory", "[models]") {
  for (const char* arch : {"mobilenet_v2", "resnet18"}) {
    INFO(arch);
    const Step kept = run_step(arch, false), again = run_step(arch, true);
    CHECK(again.loss == kept.loss);
    for (std::size_t i = 0; i < kept.gradients.size(); ++i) {
      INFO(kept.gradients[i].name);
      CHECK(equal(again.gradients[i].tensor, kept.gradients[i].tensor));
    }
    for (std::size_t i = 0; i < kept.buffers.size(); ++i) {  // running statistics move once, not twice
      INFO(kept.buffers[i].name);
      CHECK(equal(again.buffers[i].tensor, kept.buffers[i].tensor));
    }
    CHECK(again.kept_bytes < kept.kept_bytes);
    // The peak is elsewhere in ResNet, whose normalised images are hardly stored in the first place
    // (core/ops/normalised_conv2d.h).
    CHECK(again.peak_bytes <= kept.peak_bytes);
    if (std::string(arch) == "mobilenet_v2") CHECK(again.peak_bytes < kept.peak_bytes);
  }
}
