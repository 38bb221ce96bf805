#!/bin/sh
# Makes the shipped model again from the data and the encoder's ImageNet weights:
#   tools/reproduce.sh CCP_FOLDER mobilenet_v2-imagenet.safetensors OUT_FOLDER
# Four trainings one after the other, some four hours on two cores; started again after an interruption, it goes on.
set -eu
if [ $# -ne 3 ]; then
  echo "usage: $0 CCP_FOLDER IMAGENET_WEIGHTS OUT_FOLDER" >&2
  exit 2
fi
data=$1 weights=$2 out=$3
bin=${WEFT_BIN:-$(dirname "$0")/../build/bin}

train() {
  "$bin/train_unet" --data "$data" --labels ccp --train-list "$data/train.txt" --val-list "$data/val.txt" \
    --arch mobilenet_v2 --batch 4 --resume "$@"
}

# With canvases of the photographs' own shape, and all that light, lens, sensor and file do to them.
train_robust() {
  train --fit area --augment robust --optimizer adamw --weight-decay 0.01 --schedule cosine --ema 0.998 "$@"
}

# The plain recipe; from there on twice the same, and a short while at a lower rate on larger canvases.
train --encoder-weights "$weights" --size 512 --fit stretch --augment default --optimizer adam --lr 1e-4 \
  --schedule constant --epochs 5 --seed 0 --out "$out/plain"
train_robust --init "$out/plain/best.safetensors" --size 512 --lr 3e-4 --warmup 100 --epochs 13 --seed 1 --out "$out/robust"
train_robust --init "$out/robust/best.safetensors" --size 512 --lr 3e-4 --warmup 100 --epochs 13 --seed 2 \
  --out "$out/longer"
train_robust --init "$out/longer/best.safetensors" --size 576 --lr 1e-4 --warmup 50 --epochs 3 --seed 3 --out "$out/larger"

"$bin/convert_weights" "$out/larger/best.safetensors" "$out/clothing-mobilenet_v2.safetensors" --f16 --size 544
"$bin/eval_unet" --model "$out/clothing-mobilenet_v2.safetensors" --data "$data" --labels ccp --list "$data/val.txt"
