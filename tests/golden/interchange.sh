#!/bin/sh
# interchange.sh BUILD: weights go from PyTorch to weft and back (interchange.py). Exit status 77, "skipped", without a
# Python that has PyTorch; PYTHON names one.
here=$(dirname "$0")
for python in "${PYTHON:-python3}" /usr/bin/python3; do
  if "$python" -c "import torch, numpy" 2>/dev/null; then
    exec "$python" -B "$here/interchange.py" "$@"
  fi
done
echo "skipped: no Python with PyTorch and NumPy (PYTHON=... names one)"
exit 77
