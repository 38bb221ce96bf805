// A network of one's own: the U-Net of the paper (classic_unet.h), run as it stands and as a plan.
//
//   classic_unet                                        checks that both compute the same, thin network, small pictures
//   classic_unet --size 512 --width 64 --mode train     times the plan, and prints a line of json
//
// tools/compare_peers.sh has it run beside PyTorch's same network, by --serve.

#include <CLI/CLI.hpp>
#include <chrono>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "core/atomic_file.h"
#include "core/kernels/isa.h"
#include "docs/examples/classic_unet.h"
#include "docs/examples/example.h"

namespace {

using namespace weft;
using namespace weft::example;

Tensor loss_of(const Tensor& logits, const Tensor& masks) {
  return add(scale(dice_loss(logits, masks), 0.5), scale(bce_with_logits(logits, masks), 0.5));
}

// ---- the plan of an inference and of a training step: all that it takes ----

Plan plan_of_inference(const ClassicUNet& network, const Shape& x) {
  return Plan::inference([&](const Tensors& in) { return network.forward(in[0]); }, {x});
}

Plan plan_of_training(const ClassicUNet& network, const Shape& x) {
  const Shape masks{x[0], x[1], x[2], 1};
  return Plan::training([&](const Tensors& in) { return loss_of(network.forward(in[0]), in[1]); }, {x, masks});
}

// ---- planned = eager ----

/// Normal numbers as a picture, and what of them is above a quarter as its mask.
Tensor mask_of(const Tensor& x) {
  const auto [n, h, w, c] = x.nhwc();
  Tensor mask = Tensor::empty({n, h, w, 1});
  for (std::int64_t i = 0; i < mask.count(); ++i)
    mask.mutable_data<float>()[i] = x.data<float>()[i * c] > 0.25F ? 1.0F : 0.0F;
  return mask;
}

void check_network(bool transposed) {
  std::printf("%s upsampling\n", transposed ? "transposed" : "bilinear");
  ClassicUNet network(16, transposed);
  network.initialise(0);
  const Tensor x = noise({2, 48, 32, 3}, 1), mask = mask_of(x);

  // The step as it stands: forward, loss, backward. The gradients lie at the parameters.
  const Tensor eager_loss = loss_of(network.forward(x), mask);
  eager_loss.backward();
  Tensors eager_gradients;
  for (const auto& [name, parameter] : network.named_parameters()) eager_gradients.push_back(parameter.grad());

  // The same step as a plan, which sets the gradients.
  const Plan step = plan_of_training(network, x.shape());
  check(difference(step.run({x, mask}), eager_loss) < 1e-5, "a planned step has the loss of the step as it stands");
  // Both round, in other places. Where a ReLU's input is 0 but for that, one passes a gradient on and the other does
  // not, which moves every gradient before it a little: so the bound is for all gradients together.
  double apart = 0, length = 0;
  std::size_t i = 0;
  for (const auto& [name, parameter] : network.named_parameters()) {
    const Tensor& expected = eager_gradients[i++];
    const Tensor off = subtract(parameter.grad(), expected).detach();
    apart += sum(multiply(off, off)).item();
    length += sum(multiply(expected, expected)).item();
  }
  check(std::sqrt(apart / length) < 0.03, "and its gradients");

  Adam adam(network.named_parameters());
  const double before = step.run({x, mask}).item();
  for (int k = 0; k < 3; ++k) {
    adam.step(1e-3);
    step.run({x, mask});
  }
  check(step.run({x, mask}).item() < before, "a few steps of Adam lower the loss");

  network.eval();
  const NoGrad no_grad;
  check(difference(plan_of_inference(network, x.shape()).run({x}), network.forward(x)) < 1e-4,
        "a planned inference gives the logits of the network as it stands");
}

// ---- timing ----

struct Options {
  std::int64_t size = 0, batch = 1, width = 64;
  std::string mode = "infer", upsample = "transposed", weights, save, input, targets;
  int iterations = 5, threads = 0;
  bool serve = false;
};

Tensor raw_or_noise(const std::string& path, const Shape& shape) {
  if (path.empty()) return noise(shape, 1);
  Tensor t = Tensor::empty(shape);
  std::ifstream file(path, std::ios::binary);
  file.read(reinterpret_cast<char*>(t.mutable_data<float>()), static_cast<std::streamsize>(t.bytes()));
  WEFT_CHECK(file && file.peek() == EOF, "{}: expected {} bytes of float32 {}", path, t.bytes(), shape);
  return t;
}

class Workload {
 public:
  explicit Workload(const Options& o) : trains_(o.mode == "train"), network_(o.width, o.upsample == "transposed") {
    network_.initialise(0);
    if (!o.weights.empty()) network_.load_state_dict(read_state_dict(SafetensorsFile(o.weights)), o.weights);
    x_ = raw_or_noise(o.input, {o.batch, o.size, o.size, 3});
    mask_ = o.targets.empty() ? mask_of(x_) : raw_or_noise(o.targets, {o.batch, o.size, o.size, 1});
    network_.train(trains_);
    plan_ = std::make_unique<const Plan>(trains_ ? plan_of_training(network_, x_.shape())
                                                 : plan_of_inference(network_, x_.shape()));
    if (trains_) adam_ = std::make_unique<Adam>(std::vector<ParameterGroup>{{network_.named_parameters()}});
  }

  /// A run, or a step with its update. Returns milliseconds.
  double run() {
    const auto begin = std::chrono::steady_clock::now();
    result_ = trains_ ? plan_->run({x_, mask_}) : plan_->run({x_});
    if (trains_) adam_->step(1e-4);
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
  }

  /// The logits, or the loss.
  const Tensor& result() const { return result_; }
  const ClassicUNet& network() const { return network_; }

 private:
  const bool trains_;
  ClassicUNet network_;
  Tensor x_, mask_, result_;
  std::unique_ptr<const Plan> plan_;
  std::unique_ptr<Adam> adam_;
};

/// The requests of tools/peers/workers.py.
void serve(Workload& workload, bool trains) {
  std::cout << nlohmann::json{{"ready", fmt::format("weft {} {}", WEFT_VERSION, kernels::isa_name())}} << std::endl;
  for (std::string request; std::getline(std::cin, request);) {
    if (request == "run") {
      const double ms = workload.run();
      std::cout << nlohmann::json{{"ms", ms}, {"loss", trains ? workload.result().item() : 0}} << std::endl;
    } else {
      WEFT_CHECK(request.starts_with("save "), "{}: expected \"run\" or \"save FILE\"", request);
      const auto values = workload.result().values<float>();
      write_file(request.substr(5), {reinterpret_cast<const char*>(values.data()), values.size_bytes()});
      std::cout << nlohmann::json{{"saved", true}} << std::endl;
    }
  }
}

void time_it(const Options& o) {
  Workload workload(o);
  if (o.serve) return serve(workload, o.mode == "train");
  workload.run();  // the first run packs weights and takes memory from the system
  std::vector<double> ms;
  for (int i = 0; i < o.iterations; ++i) ms.push_back(workload.run());
  std::sort(ms.begin(), ms.end());
  const nlohmann::ordered_json line = {
      {"size", o.size},        {"batch", o.batch},          {"width", o.width},     {"upsample", o.upsample},
      {"mode", o.mode},        {"threads", num_threads()},  {"min_ms", ms.front()}, {"median_ms", ms[ms.size() / 2]},
      {"iters", o.iterations}, {"isa", kernels::isa_name()}};
  std::cout << line << std::endl;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("The U-Net of the paper: checks itself, or with --size times itself.", "classic_unet");
  Options o;
  app.add_option("--size", o.size, "height and width in pixels, a multiple of 16")->check(CLI::Range(16, 8192));
  app.add_option("--batch", o.batch, "pictures at once")->check(CLI::Range(1, 1024));
  app.add_option("--width", o.width, "channels of the first level")->check(CLI::Range(1, 1024));
  app.add_option("--mode", o.mode, "infer or train")->check(CLI::IsMember({"infer", "train"}));
  app.add_option("--upsample", o.upsample, "transposed or bilinear")->check(CLI::IsMember({"transposed", "bilinear"}));
  app.add_option("--iters", o.iterations, "timed runs")->check(CLI::Range(1, 100000));
  app.add_option("--threads", o.threads, "threads; 0: one a core")->check(CLI::Range(0, 1024));
  app.add_option("--weights", o.weights, "safetensors to load instead of starting values");
  app.add_option("--save", o.save, "write the starting values there, as safetensors, and end");
  app.add_option("--input", o.input, "raw float32 [batch, size, size, 3] instead of noise");
  app.add_option("--targets", o.targets, "raw float32 [batch, size, size, 1] of 0 and 1");
  app.add_flag("--serve", o.serve, "with --size: run on request");
  CLI11_PARSE(app, argc, argv);
  return run([&] {
    if (o.threads > 0) set_num_threads(o.threads);
    if (!o.save.empty()) {
      ClassicUNet network(o.width, o.upsample == "transposed");
      network.initialise(0);
      save_safetensors(o.save, network.state_dict());
    } else if (o.size > 0) {
      WEFT_CHECK(o.size % (1 << ClassicUNet::halvings) == 0, "--size {}: expected a multiple of 16", o.size);
      time_it(o);
    } else {
      check_network(true);
      check_network(false);
    }
  });
}
