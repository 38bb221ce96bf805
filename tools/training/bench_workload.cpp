#include "tools/training/bench_workload.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <iostream>
#include <nlohmann/json.hpp>

#include "core/atomic_file.h"
#include "core/formats/file_bytes.h"
#include "core/kernels/isa.h"
#include "core/random.h"
#include "models/model_file.h"

namespace weft::tools {
namespace {

template <class Draw>
Tensor filled(const Shape& shape, Draw&& draw) {
  Tensor t = Tensor::empty(shape);
  float* values = t.mutable_data<float>();
  for (std::int64_t i = 0; i < t.count(); ++i) values[i] = static_cast<float>(draw());
  return t;
}

Tensor read_raw(const std::string& path, const Shape& shape) {
  const FileBytes file = FileBytes::read(path);
  const auto bytes = static_cast<std::size_t>(shape.count()) * sizeof(float);
  WEFT_CHECK(file.size() == bytes, "{}: expected {} bytes of float32 {}, got {}", path, bytes, shape, file.size());
  Tensor t = Tensor::empty(shape);
  std::memcpy(t.mutable_data<float>(), file.bytes().data(), bytes);
  return t;
}

std::unique_ptr<UNet> make_network(const BenchOptions& options) {
  if (!options.model.empty()) return load_model(options.model).network;
  auto network = std::make_unique<UNet>(UNetConfig{.arch = options.arch});
  network->initialise(0);
  return network;
}

}  // namespace

BenchWorkload::BenchWorkload(const BenchOptions& options)
    : is_training_(options.is_training), network_(make_network(options)) {
  network_->train(is_training_);
  Random draw(0);
  const Shape pictures{options.batch, options.size, options.size, 3},
      masks{options.batch, options.size, options.size, 1};
  pictures_ =
      options.input.empty() ? filled(pictures, [&] { return draw.normal(); }) : read_raw(options.input, pictures);
  if (!is_training_) {
    predictor_.emplace(*network_, Predictor::Weights::released, PlanOptions{.without = options.without});
    return;
  }
  masks_ = options.targets.empty() ? filled(masks, [&] { return draw.chance(0.3) ? 1.0 : 0.0; })
                                   : read_raw(options.targets, masks);
  plans_.emplace(*network_, LossWeights{},
                 PlanOptions{.without = options.without, .memory_bytes = options.memory_bytes});
  optimizer_ = make_optimizer({}, {{network_->named_parameters()}});
}

void BenchWorkload::run() {
  if (!is_training_) {
    logits_ = Tensor();  // its memory serves this run
    logits_ = predictor_->logits(pictures_);
    return;
  }
  loss_ = plans_->run(pictures_, masks_, Tensor(), 1).loss;
  optimizer_->step(1e-4);
}

void BenchWorkload::release_results() {
  logits_ = Tensor();
  network_->zero_grad();
}

double BenchWorkload::timed_run_ms() {
  const auto start = std::chrono::steady_clock::now();
  run();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

std::vector<ProfileEntry> shortest_profile(BenchWorkload& workload, int repetitions) {
  std::vector<ProfileEntry> shortest;
  for (int i = 0; i < repetitions; ++i) {
    const Profile profile;
    workload.run();
    if (shortest.empty()) shortest = profile.entries();
    WEFT_CHECK(shortest.size() == profile.entries().size(), "[profile] the work differs from run to run");
    for (std::size_t k = 0; k < shortest.size(); ++k)
      shortest[k].ms = std::min(shortest[k].ms, profile.entries()[k].ms);
  }
  return shortest;
}

void serve(BenchWorkload& workload) {
  const auto answer = [](const nlohmann::ordered_json& line) { std::cout << line.dump() << std::endl; };
  answer({{"ready", fmt::format("weft {} {}", WEFT_VERSION, kernels::isa_name())}});
  for (std::string request; std::getline(std::cin, request);) {
    if (request == "run") {
      const double ms = workload.timed_run_ms();
      answer({{"ms", ms}, {"loss", workload.loss()}});
    } else if (request.starts_with("save ") && workload.logits().defined()) {
      const auto values = workload.logits().values<float>();
      write_file(request.substr(5), {reinterpret_cast<const char*>(values.data()), values.size_bytes()});
      answer({{"saved", request.substr(5)}});
    } else {
      fail("{}: expected \"run\", or \"save FILE\" after a run that does not train", request);
    }
  }
}

}  // namespace weft::tools
