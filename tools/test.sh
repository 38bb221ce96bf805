#!/usr/bin/env bash
# Installs what is missing, builds everything (after tools/demo.sh: the rest), and runs the tests.
#   tools/test.sh            the fast suite
#   tools/test.sh --long     the long checks as well
set -euo pipefail
cd "$(dirname "$0")/.."

label=(-L fast)
[ "${1:-}" = "--long" ] && label=()

tools/install_packages.sh
cmake -S . -B build -G Ninja -DWEFT_BUILD_TESTS=ON
cmake --build build
ctest --test-dir build --output-on-failure "${label[@]}"
