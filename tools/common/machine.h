#pragma once
// What this machine can do at most, measured: the yardstick of the roofline table.

#include <string>

namespace weft::tools {

struct Machine {
  std::string processor, isa;
  int threads = 1;
  double gflops = 0;     // multiply-adds in registers, each counted as two operations
  double gigabytes = 0;  // a second, read plus written, by a pass over arrays larger than the caches
};

/// Measures with the threads and the instruction set in use; takes about a quarter of a second.
Machine measure_machine();

/// "Xeon ..., avx512, 2 threads, 7 GB of memory; weft 0.1.0": for a report.
std::string machine_text();

}  // namespace weft::tools
