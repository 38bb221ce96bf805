#!/bin/sh
# Writes the golden files again. Needs PyTorch and NumPy for ${PYTHON:-python3}.
set -e
cd "$(dirname "$0")"
for script in make_*.py; do
  "${PYTHON:-python3}" -B "$script"
done
