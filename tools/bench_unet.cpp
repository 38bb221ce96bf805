// bench_unet: how long the network takes, and with --layers where the time goes.

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "core/allocator.h"
#include "core/autograd.h"
#include "core/kernels/isa.h"
#include "core/parallel.h"
#include "core/profile.h"
#include "core/random.h"
#include "models/registry.h"
#include "models/unet.h"
#include "tools/common/profile_table.h"
#include "tools/common/run_tool.h"
#include "train/optimizer.h"

namespace {

using namespace weft;

struct Options {
  std::string arch = "mobilenet_v2", mode = "infer";
  std::int64_t size = 512, batch = 1;
  int iterations = 10;
  bool layers = false, json = false;
};

/// A network with random weights and one batch of noise: the time does not depend on the values.
class Workload {
 public:
  explicit Workload(const Options& options) : is_training_(options.mode == "train"), network_({.arch = options.arch}) {
    network_.initialise(0);
    network_.train(is_training_);
    Random draw(0);
    pictures_ = filled({options.batch, options.size, options.size, 3}, [&] { return draw.normal(); });
    if (!is_training_) return;
    masks_ = filled({options.batch, options.size, options.size, 1}, [&] { return draw.chance(0.3) ? 1.0 : 0.0; });
    optimizer_ = make_optimizer({}, {{network_.named_parameters()}});
  }

  void run() {
    if (!is_training_) {
      const NoGrad no_grad;
      network_.forward(pictures_);
      return;
    }
    network_.zero_grad();
    const Tensor logits = network_.forward(pictures_);
    add(scale(dice_loss(logits, masks_), 0.5), scale(bce_with_logits(logits, masks_), 0.5)).backward();
    optimizer_->step(1e-4);
  }

 private:
  template <class Draw>
  static Tensor filled(const Shape& shape, Draw&& draw) {
    Tensor t = Tensor::empty(shape);
    float* values = t.mutable_data<float>();
    for (std::int64_t i = 0; i < t.count(); ++i) values[i] = static_cast<float>(draw());
    return t;
  }

  const bool is_training_;
  UNet network_;
  std::unique_ptr<Optimizer> optimizer_;
  Tensor pictures_, masks_;
};

double elapsed_ms(Workload& workload) {
  const auto start = std::chrono::steady_clock::now();
  workload.run();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

double peak_rss_mb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024.0;
}

int bench(const Options& options) {
  if (options.size % UNet::stride != 0)
    throw tools::UsageError(fmt::format("--size must be a multiple of {}", UNet::stride));
  Workload workload(options);
  workload.run();  // warms the allocator and the caches

  std::vector<double> times;
  for (int i = 0; i < options.iterations; ++i) times.push_back(elapsed_ms(workload));
  std::sort(times.begin(), times.end());
  const double smallest = times.front(), median = times[times.size() / 2];

  if (options.layers) {
    const Profile profile;
    workload.run();
    fmt::print("{}", tools::profile_table(profile.entries()));
  }
  if (options.json) {
    const nlohmann::ordered_json line = {
        {"arch", options.arch}, {"size", options.size},     {"batch", options.batch},   {"threads", num_threads()},
        {"mode", options.mode}, {"min_ms", smallest},       {"median_ms", median},      {"iters", options.iterations},
        {"peak_rss_mb", peak_rss_mb()}, {"isa", kernels::isa_name()}};
    fmt::print("{}\n", line.dump());
  } else {
    fmt::print(
        "{} {} at {}x{}, batch {}, {} threads, {}: {:.1f} ms at best, {:.1f} ms median of {}; peak {:.0f} MB (tensors "
        "{:.0f} MB)\n",
        options.arch, options.mode, options.size, options.size, options.batch, num_threads(), kernels::isa_name(),
        smallest, median, options.iterations, peak_rss_mb(), static_cast<double>(memory_use().peak_bytes) / 1048576.0);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Times the U-Net on noise. The network has random weights; time does not depend on them.", "bench_unet");
  Options options;
  app.add_option("--arch", options.arch, "encoder")->check(CLI::IsMember(architectures()))->capture_default_str();
  app.add_option("--size", options.size, "height and width in pixels, a multiple of 32")
      ->check(CLI::Range(32, 8192))
      ->capture_default_str();
  app.add_option("--batch", options.batch, "pictures at once")->check(CLI::Range(1, 1024))->capture_default_str();
  app.add_option("--mode", options.mode, "forward only, or a whole training step")
      ->check(CLI::IsMember({"infer", "train"}))
      ->capture_default_str();
  app.add_option("--iters", options.iterations, "timed repetitions, after one that is not")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  app.add_flag("--layers", options.layers, "also one row for each kind of work: calls, time, share, rate");
  app.add_flag("--json", options.json, "one line of json");
  return tools::run_tool(app, argc, argv, [&] { return bench(options); });
}
