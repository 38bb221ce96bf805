#!/bin/sh
# Makes the shipped model again from the data and the encoder's ImageNet weights:
#   tools/reproduce.sh CCP_FOLDER mobilenet_v2-imagenet.safetensors OUT_FOLDER
# Two trainings one after the other, an hour or more on two cores; started again after an interruption, it goes on.
set -eu
if [ $# -ne 3 ]; then
  echo "usage: $0 CCP_FOLDER IMAGENET_WEIGHTS OUT_FOLDER" >&2
  exit 2
fi
data=$1 weights=$2 out=$3
bin=${WEFT_BIN:-$(dirname "$0")/../build/bin}

train() {
  "$bin/train_unet" --data "$data" --labels ccp --train-list "$data/train.txt" --val-list "$data/val.txt" \
    --arch mobilenet_v2 --size 512 --batch 4 --resume "$@"
}

# The seed recipe.
train --encoder-weights "$weights" --fit stretch --augment default --optimizer adam --lr 1e-4 --schedule constant \
  --epochs 5 --seed 0 --out "$out/seed"
# From there on with canvases of the photographs' own shape, and all that light, lens, sensor and file do to them.
train --init "$out/seed/best.safetensors" --fit area --augment robust --optimizer adamw --weight-decay 0.01 \
  --lr 3e-4 --schedule cosine --warmup 100 --ema 0.998 --epochs 13 --seed 1 --out "$out/robust"

"$bin/convert_weights" "$out/robust/best.safetensors" "$out/clothing-mobilenet_v2.safetensors" --f16 --size 544
"$bin/eval_unet" --model "$out/clothing-mobilenet_v2.safetensors" --data "$data" --labels ccp --list "$data/val.txt"
