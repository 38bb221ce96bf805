#!/bin/sh
# The figures of docs/plan.md and docs/kernels.md, drawn again:
#
#   docs/figures/draw.sh [BUILD]        a build with tests, by default build/ beside the sources
#
# Wants Graphviz (dot) and Python.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=${1:-$here/../../build}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$build/examples/draw_plans" "$scratch"
for drawing in "$scratch"/*.dot; do
  # Without Graphviz's comments, which name its version.
  dot -Tsvg "$drawing" | sed '/^<!--.*-->$/d' | sed '/^<!--/,/-->$/d' > "$here/$(basename "$drawing" .dot).svg"
done
mv "$scratch"/*.svg "$here"
python3 -B "$here/draw_kernels.py" "$here"
