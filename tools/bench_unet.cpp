// bench_unet: how long the network takes, where the time goes, and how it grows with the work.

#include <sys/resource.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/allocator.h"
#include "core/kernels/isa.h"
#include "core/parallel.h"
#include "models/registry.h"
#include "tools/training/bench_workload.h"
#include "tools/common/roofline.h"
#include "tools/common/memory_size.h"
#include "tools/common/run_tool.h"

namespace {

using namespace weft;

struct Options {
  tools::BenchOptions workload;
  std::string mode = "infer";
  int iterations = 10;
  bool layers = false, json = false, scaling = false, serve = false;
  std::string memory;
};

struct Times {
  double smallest, median;
};

Times measure(tools::BenchWorkload& workload, int iterations) {
  workload.run();  // warms the allocator and the caches
  std::vector<double> times;
  for (int i = 0; i < iterations; ++i) times.push_back(workload.timed_run_ms());
  std::sort(times.begin(), times.end());
  return {times.front(), times[times.size() / 2]};
}

double megabytes(std::size_t bytes) { return static_cast<double>(bytes) / 1048576.0; }

double peak_rss_mb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024.0;
}

int bench(const Options& options) {
  const tools::BenchOptions& o = options.workload;
  tools::BenchWorkload workload(o);
  const Times times = measure(workload, options.iterations);
  nlohmann::ordered_json line = {{"arch", o.arch},
                                 {"size", o.size},
                                 {"batch", o.batch},
                                 {"threads", num_threads()},
                                 {"mode", options.mode},
                                 {"min_ms", times.smallest},
                                 {"median_ms", times.median},
                                 {"iters", options.iterations},
                                 {"peak_rss_mb", peak_rss_mb()},
                                 {"isa", kernels::isa_name()}};
  if (!options.json) {
    fmt::print(
        "{} {} at {}x{}, batch {}, {} threads, {}: {:.1f} ms at best, {:.1f} ms median of {}; peak {:.0f} MB (tensors "
        "{:.0f} MB)\n",
        o.arch, options.mode, o.size, o.size, o.batch, num_threads(), kernels::isa_name(), times.smallest, times.median,
        options.iterations, peak_rss_mb(), megabytes(memory_use().peak_bytes));
  }
  if (options.layers) {
    const tools::Machine machine = tools::measure_machine();
    const auto rows = tools::roofline(tools::shortest_profile(workload, std::min(options.iterations, 5)), machine);
    if (options.json) {
      line["roofline"] = tools::roofline_json(rows, machine);
    } else {
      fmt::print("\n{}", tools::roofline_text(rows, machine, times.smallest));
    }
  }
  if (options.json) fmt::print("{}\n", line.dump());
  return 0;
}

/// Time and memory for a pixel, from a small picture to a large one and from one picture to many. The memory is what
/// tensors take at most in a run, beyond what lies there before it: the weights (in training Adam's averages too), the
/// input and the target. Each thread's scratch memory (core/kernels/scratch.h) is not among it.
int scaling(const Options& options) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  if (!options.json) {
    fmt::print("{} {}, {} threads, {}\n{:>5} {:>6} {:>10} {:>10} {:>9} {:>9} {:>8}\n", options.workload.arch,
               options.mode, num_threads(), kernels::isa_name(), "size", "batch", "ms", "ns/pixel", "rest MB", "run MB",
               "B/pixel");
  }
  for (const auto& [size, batch] :
       {std::pair{128, 1}, {256, 1}, {512, 1}, {1024, 1}, {2048, 1}, {256, 2}, {256, 4}, {256, 8}, {256, 16}}) {
    tools::BenchOptions o = options.workload;
    o.size = size;
    o.batch = batch;
    release_cached_memory();
    tools::BenchWorkload workload(o);
    const double ms = measure(workload, options.iterations).smallest;
    workload.release_results();
    const std::size_t at_rest = memory_use().live_bytes;
    reset_peak_memory();
    workload.run();
    const std::size_t run = memory_use().peak_bytes - at_rest;
    const double pixels = static_cast<double>(o.size * o.size * o.batch);
    const double ns_each = 1e6 * ms / pixels, bytes_each = static_cast<double>(run) / pixels;
    rows.push_back({{"size", size},
                    {"batch", batch},
                    {"ms", ms},
                    {"ns_per_pixel", ns_each},
                    {"at_rest_mb", megabytes(at_rest)},
                    {"run_mb", megabytes(run)},
                    {"bytes_per_pixel", bytes_each}});
    if (!options.json) {
      fmt::print("{:>5} {:>6} {:>10.1f} {:>10.1f} {:>9.1f} {:>9.1f} {:>8.0f}\n", size, batch, ms, ns_each,
                 megabytes(at_rest), megabytes(run), bytes_each);
    }
    std::fflush(stdout);
  }
  if (options.json) fmt::print("{}\n", rows.dump());
  return 0;
}

std::vector<std::string> rule_names() {
  std::vector<std::string> names{"all"};
  for (const Rule& rule : plan_rules()) names.emplace_back(rule.name);
  return names;
}

int run(Options& options) {
  options.workload.is_training = options.mode == "train";
  if (options.workload.size % UNet::stride != 0)
    throw tools::UsageError(fmt::format("--size must be a multiple of {}", UNet::stride));
  options.workload.memory_bytes = tools::memory_bytes_from(options.memory);
  if (options.scaling) return scaling(options);
  if (!options.serve) return bench(options);
  tools::BenchWorkload workload(options.workload);
  tools::serve(workload);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Times the U-Net, on random weights and noise where nothing else is given: time does not depend on them.",
      "bench_unet");
  Options options;
  tools::BenchOptions& workload = options.workload;
  auto* arch =
      app.add_option("--arch", workload.arch, "encoder")->check(CLI::IsMember(architectures()))->capture_default_str();
  app.add_option("--size", workload.size, "height and width in pixels, a multiple of 32")
      ->check(CLI::Range(32, 8192))
      ->capture_default_str();
  app.add_option("--batch", workload.batch, "pictures at once")->check(CLI::Range(1, 1024))->capture_default_str();
  app.add_option("--mode", options.mode, "forward only, or a whole training step")
      ->check(CLI::IsMember({"infer", "train"}))
      ->capture_default_str();
  app.add_option("--memory", options.memory, "train as train_unet's option of that name");
  app.add_option("--without", workload.without, "rules of the plan to leave out (docs/plan.md), or \"all\"")
      ->check(CLI::IsMember(rule_names()))
      ->delimiter(',');
  app.add_option("--iters", options.iterations, "timed repetitions, after one that is not")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  app.add_flag("--layers", options.layers, "also every layer's rate against the machine's peak, and the worst ten");
  app.add_flag("--json", options.json, "one line of json");
  auto* scaling =
      app.add_flag("--scaling", options.scaling, "time and memory a pixel: sizes 128 to 2048, batches 1 to 16")
          ->excludes("--layers");
  app.add_option("--model", workload.model, "a model file instead of random weights")->excludes(arch);
  app.add_option("--input", workload.input, "raw float32 [batch, size, size, 3] instead of noise")->excludes(scaling);
  app.add_option("--targets", workload.targets, "raw float32 [batch, size, size, 1] of 0 and 1, for --mode train")
      ->excludes(scaling);
  app.add_flag("--serve", options.serve, "run on request: a line \"run\" or \"save FILE\" on stdin, json on stdout")
      ->excludes(scaling);
  return tools::run_tool(app, argc, argv, [&] { return run(options); });
}
