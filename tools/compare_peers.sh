#!/bin/sh
# weft beside PyTorch, ONNX Runtime and OpenCV, on this machine:
#
#   tools/compare_peers.sh [--build DIR] [--rounds N] [--quick] [--avx2 | --busy] [--no-install] [--docs FILE]
#
# Installs the peers from packages where that is possible (a peer that cannot be installed is named in the table), and
# then runs tools/peers/compare.py, which says what is measured and how. Wants a build of weft in --build, by default
# build/ beside the sources, and a machine that does nothing else; takes about half an hour. Tables go to
# DIR/peers/compare.md and compare.json, after each step what there is by then; --docs also writes the complete ones
# between the marks of FILE (docs/performance.md). --avx2 has all but ONNX Runtime, which has no switch for it, leave
# AVX-512 alone, as on a processor without it, and writes compare-avx2.md and .json and between other marks.
# --busy makes another table instead, beside none, one and two processes that keep a core busy: compare-busy.md.
# PYTHON names another Python than /usr/bin/python3, which is the one that Debian's packages are for.
set -u
here=$(cd "$(dirname "$0")" && pwd)
build="$here/../build"
installs=yes
previous=""
for argument in "$@"; do
  [ "$previous" = --build ] && build=$argument
  [ "$argument" = --no-install ] && installs=no
  previous=$argument
done
python=${PYTHON:-/usr/bin/python3}

say() { echo "compare_peers: $*" >&2; }

# package MODULE: Debian's package for a Python module that is not there yet
package() {
  "$python" -c "import $2" 2>/dev/null && return
  say "installing $1"
  if [ "$(id -u)" = 0 ] && { apt-get install -y -q "$1" || { apt-get update -q && apt-get install -y -q "$1"; }; } >&2; then
    return
  fi
  say "cannot install $1 (as root: apt-get install $1)"
}
if [ $installs = yes ]; then
  package python3-torch torch
  package python3-opencv cv2
fi

# --ignore-scripts: the rest fetches libraries for GPUs.
mkdir -p "$build/peers"
export ONNXRUNTIME_NODE="${ONNXRUNTIME_NODE:-$(cd "$build" && pwd)/peers/onnxruntime}"
if [ $installs = yes ] && [ ! -d "$ONNXRUNTIME_NODE/node_modules/onnxruntime-node" ]; then
  say "installing onnxruntime-node into $ONNXRUNTIME_NODE"
  mkdir -p "$ONNXRUNTIME_NODE"
  (cd "$ONNXRUNTIME_NODE" && npm install --ignore-scripts --no-audit --no-fund onnxruntime-node) >&2 ||
    say "cannot install onnxruntime-node (npm install --ignore-scripts onnxruntime-node)"
fi

if ! command -v "$python" >/dev/null; then
  say "skipped: $python is missing; PYTHON names another"
  exit 77
fi
exec "$python" -B "$here/peers/compare.py" "$@"
