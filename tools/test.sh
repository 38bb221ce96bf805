#!/usr/bin/env bash
# Installs what is missing, builds everything with warnings as errors, and runs the tests.
#   tools/test.sh            the fast suite
#   tools/test.sh --long     the long checks as well
set -euo pipefail
cd "$(dirname "$0")/.."

label=(-L fast)
[ "${1:-}" = "--long" ] && label=()

tools/install_packages.sh
cmake -S . -B build -G Ninja -DWEFT_BUILD_TESTS=ON -DWEFT_WERROR=ON
cmake --build build
ctest --test-dir build --output-on-failure "${label[@]}"
