#include "tools/common/machine.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <limits>
#include <vector>

#include "core/allocator.h"
#include "core/kernels/isa.h"
#include "core/parallel.h"

namespace weft::tools {
namespace {

/// The shortest of several runs, in nanoseconds: the others were disturbed.
template <class Body>
double shortest_ns(int runs, Body&& body) {
  double shortest = std::numeric_limits<double>::max();
  for (int i = 0; i < runs; ++i) {
    const auto start = std::chrono::steady_clock::now();
    body();
    shortest =
        std::min(shortest, std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count());
  }
  return shortest;
}

double measure_gflops() {
  constexpr std::int64_t rounds = 400'000;  // about 2 ms
  std::vector<std::int64_t> done(static_cast<std::size_t>(num_threads()));
  const double ns = shortest_ns(20, [&] {
    parallel_for(num_threads(), [&](std::int64_t i) {
      done[static_cast<std::size_t>(i)] = kernels::isa_kernels().multiply_adds_in_registers(rounds);
    });
  });
  return 2 * static_cast<double>(done[0]) * num_threads() / ns;
}

/// y = factor x + offset over 256 channels, as batch normalisation does it.
double measure_gigabytes() {
  constexpr std::int64_t channels = 256, rows_each = 64, tasks = 1024;
  constexpr std::int64_t count = channels * rows_each * tasks;  // 64 MB
  ScratchBuffer source(count * sizeof(float)), target(count * sizeof(float));
  std::fill_n(source.as<float>(), count, 1.0f);
  std::fill_n(target.as<float>(), count, 0.0f);
  const std::vector<float> ones(channels, 1.0f);
  const double ns = shortest_ns(10, [&] {
    parallel_for(tasks, [&](std::int64_t i) {
      const std::int64_t at = i * rows_each * channels;
      kernels::isa_kernels().scale_shift_rows(source.as<float>() + at, nullptr, rows_each, channels, ones.data(),
                                              ones.data(), no_clamp, true, target.as<float>() + at);
    });
  });
  return 2.0 * sizeof(float) * static_cast<double>(count) / ns;
}

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("model name")) return line.substr(std::min(line.size(), line.find(": ") + 2));
  }
  return "unknown processor";
}

}  // namespace

Machine measure_machine() {
  return {processor_name(), kernels::isa_name(), num_threads(), measure_gflops(), measure_gigabytes()};
}

std::string machine_text() {
  const double bytes = static_cast<double>(::sysconf(_SC_PHYS_PAGES)) * static_cast<double>(::sysconf(_SC_PAGE_SIZE));
  return fmt::format("{}, {}, {} thread{}, {:.0f} GB of memory; weft {}", processor_name(), kernels::isa_name(),
                     num_threads(), num_threads() == 1 ? "" : "s", bytes / 1e9, WEFT_VERSION);
}

}  // namespace weft::tools
