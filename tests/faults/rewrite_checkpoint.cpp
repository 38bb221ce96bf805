// rewrite_checkpoint FROM TO: reads a checkpoint and writes it again. tools/trust/faults.sh runs it with failing writes.

#include <cstdio>
#include <exception>

#include "train/checkpoint.h"

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  try {
    weft::save_checkpoint(argv[2], weft::load_checkpoint(argv[1]));
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
}
