#!/usr/bin/env bash
# From a fresh checkout to cut-out clothes: installs what is missing, builds the programs, and cuts a photograph out with
# the model that comes with weft. Then it shows the rest: draws a data set, trains on it, cuts out pictures that the
# training has not seen, and says which files to open.
set -euo pipefail
cd "$(dirname "$0")/.."

out=${1:-out/demo}
say() { printf '\n== %s\n' "$*"; }

say "packages, and the program that cuts out"
tools/install_packages.sh
cmake -S . -B build -G Ninja >/dev/null
cmake --build build --target infer_unet | tail -n 1

rm -rf "$out"
mkdir -p "$out"
say "a photograph, cut out by the model that comes with weft"
build/bin/infer_unet --write panel,cutout --out "$out" docs/images/astronaut.jpg

say "the other programs"
cmake --build build --target programs | tail -n 1

say "a data set of drawn people"
build/bin/make_synthetic_atr --out "$out/data" --count 240 --size 192 --seed 1
build/bin/make_synthetic_atr --out "$out/unseen" --count 8 --size 384 --seed 2

say "training, from the model that comes with weft: it knows photographs, not drawings"
build/bin/train_unet --data "$out/data" --labels atr --out "$out/run" --init models/pretrained/clothing-mobilenet_v2.safetensors \
  --size 192 --epochs 3 --batch 4 --lr 5e-4 --schedule cosine --warmup 20

say "cutting out pictures that the training has not seen"
build/bin/infer_unet --model "$out/run/best.safetensors" --write panel,cutout --out "$out/masks" "$out/unseen/JPEGImages"
build/bin/eval_unet --model "$out/run/best.safetensors" --data "$out/unseen" --labels atr | grep '^mIoU'

say "done: open these"
ls "$out"/*.panel.png "$out"/masks/*.panel.png
echo "(photograph | mask | overlay; the cut-outs with a transparent background lie beside them)"
